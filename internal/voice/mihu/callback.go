package mihu

import (
	"crypto/sha256"
	"errors"
	"regexp"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/tolerant"
)

// Mihu documents no list of a conversation's statuses; these are the words that telephone systems use.
var statuses = map[string]cart.ReportKind{
	"dialing": cart.ReportRinging, "dialling": cart.ReportRinging, "ringing": cart.ReportRinging,
	"answered": cart.ReportTalking, "connected": cart.ReportTalking, "in-progress": cart.ReportTalking,
	"ongoing": cart.ReportTalking, "active": cart.ReportTalking, "started": cart.ReportTalking,
	"completed": cart.ReportHungUp, "ended": cart.ReportHungUp,
	"finished": cart.ReportHungUp, "closed": cart.ReportHungUp,
	"voicemail": cart.ReportVoicemail, "answering-machine": cart.ReportVoicemail, "machine": cart.ReportVoicemail,
	"no-answer": cart.ReportNoAnswer, "missed": cart.ReportNoAnswer, "unanswered": cart.ReportNoAnswer,
	"busy":   cart.ReportBusy,
	"failed": cart.ReportFailed, "error": cart.ReportFailed,
	"canceled": cart.ReportAborted, "cancelled": cart.ReportAborted,
}

// outcomes are how a call ended by the last report of it.
var outcomes = map[cart.ReportKind]cart.Outcome{
	cart.ReportHungUp:    cart.Completed,
	cart.ReportVoicemail: cart.Voicemail,
	cart.ReportNoAnswer:  cart.NoAnswer,
	cart.ReportBusy:      cart.Busy,
	cart.ReportFailed:    cart.Failed,
	cart.ReportAborted:   cart.Aborted,
}

// Parse implements voice.Provider. A webhook is {"event", "data": {"call_id", "conversation_uuid", "duration",
// "number", "sentiment_analysis", "call_end_analysis", …}}; the report at the end of an answered call gives two
// events, what was said and that the call is over.
func (p *Provider) Parse(body []byte) ([]voice.Callback, error) { return Parse(body, p.insights) }

// Parse reads a webhook. The insights name those of the analysis that are read.
func Parse(body []byte, insights config.Insights) ([]voice.Callback, error) {
	envelopes, err := tolerant.Decode(body)
	if err != nil {
		return nil, err
	}
	event := envelopes[0].Word("event", "type")
	if event == "" {
		return nil, errors.New("event: missing; without it nothing can be made of the message")
	}
	data := envelopes[0].Object("data")
	if data == nil {
		data = envelopes[0]
	}
	c := voice.Callback{ProviderCallID: data.Word("call_id", "conversation_uuid"), Phone: phone(data)}
	c.Report = cart.Report{
		Kind:            cart.ReportOther,
		ProviderType:    event,
		ProviderCallID:  c.ProviderCallID,
		At:              data.Time("timestamp", "ended_at"),
		DurationSeconds: data.Seconds("duration", "duration_sec", "duration_seconds"),
		RecordingURL:    data.URL("record_url", "recording_url"),
	}
	analysis := listed(data, "call_end_analysis")
	c.Report.Summary = summary(data, analysis)
	told := []tolerant.Object{
		analysis, analysis.Object("insights"), data.Object("sentiment_analysis"), data.Object("fields"),
	}
	c.Report.Insights, c.Report.AbandonReason, c.CallbackText = tolerant.Insights(insights, told...)
	c.Report.Analysis = cart.Analysis{
		Success:   tolerant.Success(analysis.Value("success", "call_successful")),
		Sentiment: tolerant.Mood(data["sentiment_analysis"]),
		Findings:  tolerant.Findings([]string{"summary", "call_summary", "insights", "success", "call_successful"}, told...),
	}
	c.Report.Transcript = tolerant.Transcript(data["transcript"])
	c.Report.Insights.OptOutSuspected = tolerant.SuspectsOptOut(insights, data["transcript"], told...)
	switch event {
	case "conversation_status":
		c.Report.Kind = status(data)
		if c.Report.Kind == cart.ReportRinging {
			// Mihu dials once and reports that with several words, each with a time of its own.
			c.Report.At = time.Time{}
		}
	case "intent_call":
		c.Report.Kind = cart.ReportAction
		c.Report.Action = data.Word("intent", "intent_name", "name")
		if c.Report.Action == "" {
			c.Report.Action = data.Object("intent").Word("name", "key", "uuid")
		}
		c.Report.ActionPayload = tolerant.Raw(map[string]any(data))
	case "conversation_end_report":
		return ended(c, data, body), nil
	}
	c.Digest = digest(body, "")
	return []voice.Callback{c}, nil
}

// status reads where a conversation stands.
func status(data tolerant.Object) cart.ReportKind {
	word := strings.ReplaceAll(strings.ToLower(data.Word("status", "conversation_status")), "_", "-")
	if kind, ok := statuses[word]; ok {
		return kind
	}
	return cart.ReportOther
}

// ended reads the report at the end of a call.
func ended(c voice.Callback, data tolerant.Object, body []byte) []voice.Callback {
	over := c
	over.Report.Kind = cart.ReportFinished
	over.Report.FinalStatus = outcomes[status(data)]
	if over.Report.FinalStatus == "" {
		over.Report.FinalStatus = cart.Completed
		if s := c.Report.DurationSeconds; s != nil && *s == 0 {
			over.Report.FinalStatus = cart.NoAnswer
		}
	}
	over.Digest = digest(body, "")
	if over.Report.FinalStatus != cart.Completed {
		return []voice.Callback{over}
	}
	said := c
	said.Report.Kind = cart.ReportAnalysed
	said.Digest = digest(body, string(cart.ReportAnalysed))
	return []voice.Callback{said, over}
}

func digest(body []byte, kind string) []byte {
	h := sha256.New()
	h.Write(body)
	h.Write([]byte(kind))
	return h.Sum(nil)
}

// listed reads an analysis that is an object, or a list of named values.
func listed(data tolerant.Object, key string) tolerant.Object {
	if o := data.Object(key); o != nil {
		return o
	}
	list, _ := data[key].([]any)
	out := tolerant.Object{}
	for _, item := range list {
		o, _ := item.(map[string]any)
		entry := tolerant.Object(o)
		if name := entry.Word("name", "key", "field"); name != "" {
			out[name] = entry.Value("value", "answer", "result")
		}
	}
	return out
}

func summary(data, analysis tolerant.Object) string {
	for _, text := range []string{analysis.Text("summary", "call_summary"), data.Text("summary"),
		data.Text("call_end_analysis")} {
		if text != "" {
			return text
		}
	}
	return ""
}

var notDigits = regexp.MustCompile(`[^0-9]`)

// phone reads the number that was dialled as E.164, "" when there is none.
func phone(data tolerant.Object) string {
	text := data.Object("contact_info").Word("phone_number")
	if text == "" {
		text = data.Word("number")
	}
	number := strings.TrimLeft(notDigits.ReplaceAllString(text, ""), "0")
	if len(number) < 8 || len(number) > 15 {
		return ""
	}
	return "+" + number
}
