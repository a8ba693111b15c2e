package mirai

import (
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/tolerant"

	"github.com/google/uuid"
)

// kinds translates the types of event (Mirai's call lifecycle reference), without their "call." in front.
var kinds = map[string]cart.ReportKind{
	"initiate":          cart.ReportRinging,
	"in-progress":       cart.ReportTalking,
	"ended":             cart.ReportHungUp,
	"completed":         cart.ReportRecorded,
	"end-of-call":       cart.ReportAnalysed,
	"lifecycle-ended":   cart.ReportFinished,
	"timeout":           cart.ReportTimeout,
	"voicemail":         cart.ReportVoicemail,
	"no-answer":         cart.ReportNoAnswer,
	"busy":              cart.ReportBusy,
	"failed":            cart.ReportFailed,
	"validation-failed": cart.ReportInvalid,
	"skip":              cart.ReportSkipped,
	"rescheduled":       cart.ReportRescheduled,
	"aborted":           cart.ReportAborted,
	"action":            cart.ReportAction,
}

// outcomes translates a call's status at its end (CallStatus, report.finalStatus).
var outcomes = map[string]cart.Outcome{
	"ended":             cart.Completed,
	"completed":         cart.Completed,
	"timeout":           cart.Timeout,
	"voicemail":         cart.Voicemail,
	"no-answer":         cart.NoAnswer,
	"busy":              cart.Busy,
	"failed":            cart.Failed,
	"validation-failed": cart.Invalid,
	"skip":              cart.Skipped,
	"aborted":           cart.Aborted,
}

// mostRedials is the largest number of redials that is believed: Mirai documents at most five of each kind.
const mostRedials = 20

// Parse reads a callback: {"metadata", "event": {"type", "data": {"call", "analysis", "credits", "report"}}}, in
// which the parts may also stand directly under event, and any of them may be missing. The insights name those of the
// analysis that are read. The error says why the body holds no event.
func Parse(body []byte, insights config.Insights) ([]voice.Callback, error) {
	envelopes, err := tolerant.Decode(body)
	if err != nil {
		return nil, err
	}
	var all []voice.Callback
	for i, envelope := range envelopes {
		c, ok := parse(envelope, insights)
		if !ok {
			continue
		}
		digest := sha256.New()
		digest.Write(body)
		if i > 0 {
			digest.Write([]byte{byte(i)})
		}
		c.Digest = digest.Sum(nil)
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("event.type: missing; without it nothing can be made of the message")
	}
	return all, nil
}

func parse(envelope tolerant.Object, names config.Insights) (voice.Callback, bool) {
	event := envelope.Object("event")
	typ := event.Word("type")
	if event == nil {
		event = envelope
		typ = envelope.Word("type", "event")
	}
	if typ == "" {
		return voice.Callback{}, false
	}
	data := event.Object("data")
	// part finds a part of the event at whichever level it stands.
	part := func(key string) tolerant.Object {
		for _, level := range []tolerant.Object{data, event, envelope} {
			if o := level.Object(key); o != nil {
				return o
			}
		}
		return nil
	}
	call, meta := part("call"), part("metadata")
	if meta == nil {
		meta = call.Object("metadata")
	}
	c := voice.Callback{
		ProviderCallID: call.Word("id", "callId", "_id"),
		Phone:          call.Word("phoneNumber", "to_number"),
	}
	for _, level := range []tolerant.Object{data, event, envelope} {
		if c.ProviderCallID == "" {
			c.ProviderCallID = level.Word("callId", "call_id")
		}
	}
	if id, err := uuid.Parse(meta.Word("call_id")); err == nil {
		c.CallID = id
	}
	c.Report = cart.Report{
		Kind:            kindOf(typ),
		ProviderType:    typ,
		ProviderCallID:  c.ProviderCallID,
		DurationSeconds: call.Seconds("durationSeconds"),
		RecordingURL:    call.URL("recordingUrl"),
	}
	c.Report.At = at(c.Report.Kind, call)
	readAnalysis(&c, part("analysis"), names)
	for _, level := range []tolerant.Object{call, part("analysis"), data} {
		if c.Report.Transcript == "" {
			c.Report.Transcript = tolerant.Transcript(level["transcript"])
		}
	}
	for _, level := range []tolerant.Object{call, part("analysis"), data} {
		c.Report.Insights.OptOutSuspected = c.Report.Insights.OptOutSuspected || tolerant.SuspectsOptOut(names,
			level["transcript"], part("analysis").Object("insights"), part("analysis").Object("outcome"))
	}
	credits := part("credits")
	c.Report.CreditsUsed, c.Report.CreditsLeft = credits.Decimal("used"), credits.Decimal("available")
	if c.Report.Kind == cart.ReportFinished {
		if n := part("report").Seconds("reAttemptCount"); n != nil {
			c.Report.Redials = min(*n, mostRedials)
		}
		c.Report.FinalStatus = outcomes[normalised(part("report").Word("finalStatus"))]
		if c.Report.FinalStatus == "" {
			c.Report.FinalStatus = outcomes[normalised(call.Word("status"))]
		}
	} else if c.Report.Kind == cart.ReportAction {
		c.Report.Action = strings.ReplaceAll(normalised(data.Word("action")), "-", "_")
		c.Report.ActionReason = data.Word("reason")
		c.Report.ActionPayload = tolerant.Raw(data["payload"])
		c.Report.Discount = tolerant.Discount(data.Value("discount"))
		if c.Report.Discount == nil {
			c.Report.Discount = tolerant.Discount(data.Object("payload").Value("discount"))
		}
	}
	return c, true
}

// normalised is an event type or status in lower case with hyphens, as the tables have it.
func normalised(word string) string {
	return strings.ReplaceAll(strings.ToLower(word), "_", "-")
}

func kindOf(typ string) cart.ReportKind {
	if kind, ok := kinds[strings.TrimPrefix(normalised(typ), "call.")]; ok {
		return kind
	}
	return cart.ReportOther
}

// at is when the event happened, from the call's own times; the zero time when they do not tell.
func at(kind cart.ReportKind, call tolerant.Object) time.Time {
	switch kind {
	case cart.ReportRinging, cart.ReportTalking:
		return call.Time("startedAt")
	case cart.ReportAction, cart.ReportOther, cart.ReportRescheduled:
		return time.Time{}
	case cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed, cart.ReportFinished, cart.ReportTimeout,
		cart.ReportVoicemail, cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed, cart.ReportInvalid,
		cart.ReportSkipped, cart.ReportAborted:
		return call.Time("endedAt", "startedAt")
	}
	return time.Time{}
}

// readAnalysis reads what the agent found out, by the names that the store's configuration gives it.
func readAnalysis(c *voice.Callback, analysis tolerant.Object, names config.Insights) {
	c.Report.Summary = analysis.Text("summary")
	c.Report.RequiredActions = analysis.Texts("requiredActions")
	insights, outcome := analysis.Object("insights"), analysis.Object("outcome")
	c.Report.Insights, c.Report.AbandonReason, c.CallbackText = tolerant.Insights(names, insights, outcome)
	c.Report.Analysis = cart.Analysis{
		Success:   tolerant.Success(analysis["success"]),
		Sentiment: tolerant.Mood(analysis.Value("sentiment", "userSentiment")),
		Findings:  tolerant.Findings(nil, insights, outcome),
	}
}
