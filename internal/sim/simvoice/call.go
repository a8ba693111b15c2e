package simvoice

import (
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"
)

// creditsPerCall is what a call costs.
const creditsPerCall = 1.5

// call is one call that the provider took.
type call struct {
	server    *Server
	id        string
	behaviour Behaviour
	callback  string
	metadata  json.RawMessage
	taken     time.Time
	// chance is used by the call's own goroutine only.
	chance *rand.Rand
	// stop is closed by an accepted abort.
	stop chan struct{}

	mu    sync.Mutex
	order Order
	// status is Mirai's CallStatus; "" while the call is queued.
	status  string
	aborted bool
	dials   int
	ended   time.Time
}

// live runs the call from the queue to its last event.
func (c *call) live() {
	s := c.server
	out := newOutbox(c)
	defer out.close()
	defer c.leave()
	redials, rescheduled := 0, 0
	final := ""
	for dial := 0; ; dial++ {
		if dial == 0 && !c.pause(s.opts.Timing.Queue) {
			break
		}
		ending := c.behaviour.ending(dial)
		if ending == Silent {
			return
		}
		c.enter()
		final = c.dial(out, ending)
		if c.isAborted() || s.ctx.Err() != nil {
			break
		}
		wait := s.opts.Timing.Redial
		switch {
		case ending == Rescheduled && rescheduled < s.opts.Reschedules:
			rescheduled++
			wait = s.opts.Timing.Reschedule
			c.leave()
		case unanswered(ending) && redials < s.opts.Redials:
			redials++
		default:
			wait = 0
			if ending == Rescheduled {
				final = "completed"
			}
		}
		if wait == 0 || !c.pause(wait) {
			break
		}
	}
	if s.ctx.Err() != nil {
		return
	}
	if c.isAborted() {
		final = "aborted"
		out.send("call.aborted", nil)
	}
	c.leave()
	out.send("call.lifecycle-ended", map[string]any{
		"report": map[string]any{"reAttemptCount": redials, "rescheduledCount": rescheduled, "finalStatus": final},
	})
	if late := c.behaviour.Late; late != nil && c.pause(late.After) {
		out.send("end-of-call", map[string]any{
			"analysis": map[string]any{"success": true, "summary": late.Summary, "insights": late.Insights},
		})
	}
}

func unanswered(e Ending) bool { return e == NoAnswer || e == Busy || e == Failed }

// dial runs one dial with its events and returns the status at its end.
func (c *call) dial(out *outbox, ending Ending) string {
	t := c.server.opts.Timing
	if ending == Invalid || ending == Skipped {
		return c.tell(out, string(ending))
	}
	started := c.server.opts.Now()
	c.mu.Lock()
	c.dials++
	c.ended = time.Time{}
	c.mu.Unlock()
	c.tell(out, "initiate", func(o map[string]any) { o["startedAt"] = stamp(started) })
	if !c.pause(t.Ring) {
		return ""
	}
	if unanswered(ending) {
		return c.tell(out, string(ending), c.times(started))
	}
	if !c.advance("in-progress") {
		return ""
	}
	c.tell(out, "in-progress", func(o map[string]any) { o["startedAt"] = stamp(started) })
	talk := c.behaviour.Talk
	if talk == 0 {
		talk = t.Talk
	}
	for _, a := range c.behaviour.Actions {
		action := map[string]any{"action": a.Name, "payload": a.Payload}
		if a.Reason != "" {
			action["reason"] = a.Reason
		}
		if a.Discount != "" {
			action["discount"] = map[string]any{"code": a.Discount, "reason": "price"}
		}
		out.send("action", action)
	}
	if !c.pause(talk) {
		return ""
	}
	over := "ended"
	if ending == TimesOut {
		over = "timeout"
	}
	c.leave()
	c.tell(out, over, c.times(started))
	if !c.pause(t.Process) {
		return ""
	}
	if over == "ended" {
		c.setStatus("completed")
	}
	recorded := func(o map[string]any) {
		c.times(started)(o)
		o["durationSeconds"] = int(talk / time.Second)
		o["recordingUrl"] = "https://recordings.example/" + c.id
		if c.behaviour.Transcript != "" {
			o["transcript"] = c.behaviour.Transcript
		}
	}
	out.send("call.completed", map[string]any{"call": c.part(recorded)})
	if !c.pause(t.Analyse) {
		return ""
	}
	c.analyse(out, recorded)
	if ending == Rescheduled {
		return c.tell(out, "rescheduled")
	}
	return map[string]string{"ended": "completed", "timeout": "timeout"}[over]
}

// analyse sends the analysis of the conversation.
func (c *call) analyse(out *outbox, recorded func(map[string]any)) {
	b := c.behaviour
	analysis := map[string]any{"success": true, "summary": b.Summary, "insights": b.Insights}
	if b.Summary == "" {
		analysis["summary"] = "The customer picked up and talked about the cart."
	}
	if b.Sentiment != "" {
		analysis["sentiment"] = b.Sentiment
	}
	if len(b.RequiredActions) > 0 {
		analysis["requiredActions"] = b.RequiredActions
	}
	out.send("end-of-call", map[string]any{
		"call": c.part(recorded), "analysis": analysis,
		"credits": map[string]any{"used": creditsPerCall, "available": 1000},
	})
}

// tell moves the call to a status and sends the event of that name.
func (c *call) tell(out *outbox, status string, more ...func(map[string]any)) string {
	if status != "in-progress" {
		c.setStatus(status)
	}
	out.send("call."+status, map[string]any{"call": c.part(more...)})
	return status
}

// part is the call as events tell it.
func (c *call) part(more ...func(map[string]any)) map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := map[string]any{"id": c.id, "status": c.status}
	for _, add := range more {
		add(o)
	}
	return o
}

// times adds the times of a finished dial. The end is the same in all later events.
func (c *call) times(started time.Time) func(map[string]any) {
	return func(o map[string]any) {
		if c.ended.IsZero() {
			c.ended = c.server.opts.Now()
		}
		o["startedAt"], o["endedAt"] = stamp(started), stamp(c.ended)
	}
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// pause waits for a simulated duration. It is false when the call was aborted or the server ends.
func (c *call) pause(d time.Duration) bool {
	timer := time.NewTimer(time.Duration(float64(d) / c.server.opts.Speed))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.stop:
	case <-c.server.ctx.Done():
	}
	return !c.isAborted() && c.server.ctx.Err() == nil
}

func (c *call) isAborted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.aborted
}

func (c *call) setStatus(status string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.aborted {
		c.status = status
	}
}

// advance moves to a status unless an abort came first.
func (c *call) advance(status string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.aborted {
		return false
	}
	c.status = status
	return true
}

// abort stops the call where Mirai's reference allows it; otherwise it returns the status that forbids it.
func (c *call) abort() (status string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.status {
	case "", "initiate", "busy", "failed", "no-answer", "rescheduled", "validation-failed":
		c.status, c.aborted = "aborted", true
		close(c.stop)
		return "", true
	}
	return c.status, false
}

// replace takes a new payload while the call has not been dialled.
func (c *call) replace(payload json.RawMessage) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != "" {
		return false
	}
	c.order.Payload = payload
	return true
}

// enter and leave take and give back a line.
func (c *call) enter() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.tally.enter(c, time.Now(), c.server.opts.Lines)
}

func (c *call) leave() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.tally.leave(c, time.Now())
}
