package app

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/wording"

	"github.com/google/uuid"
)

// TestCall is what `ringback call` is asked.
type TestCall struct {
	Shop, Phone string
	// Wait is how long the call is followed.
	Wait time.Duration
	Out  io.Writer
}

const (
	// followEvery is how often a call is looked at that is followed.
	followEvery = 500 * time.Millisecond
	// quietFor is after which time without a report the operator is told what may be wrong.
	quietFor = 30 * time.Second
)

// TestCall places a call to a number of the operator's own and tells what becomes of it. The request goes out from
// here; what the voice API reports comes to the server. The error says why no call was made, or that it failed.
func (a *App) TestCall(ctx context.Context, t TestCall) error {
	ask := engine.TestCall{
		ID: uuid.Must(uuid.NewV7()), Shop: strings.ToLower(t.Shop), Phone: engine.TestNumber(t.Phone), By: "command",
	}
	if err := a.Engine.AskTestCall(ctx, ask, false); err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "Calling %s with a sample cart. It counts in no statistic. Consent, calling hours, caps\n"+
		"and a pause do not apply to a number of your own.\n", wording.Masked(ask.Phone))
	if err := a.Engine.PlaceTestCall(ctx, ask.ID); err != nil {
		return err
	}
	return a.followTest(ctx, t, ask.ID)
}

// followTest tells each change of a test call until it is closed or the time is up.
func (a *App) followTest(ctx context.Context, t TestCall, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, t.Wait)
	defer cancel()
	said, quiet := "", time.Now().Add(quietFor)
	for {
		found, err := a.DB.TestCall(ctx, id)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil {
			call := found.Call()
			if says := wording.Call(call); says != said {
				fmt.Fprintf(t.Out, "%s  %s\n", a.Engine.Now().Format(time.TimeOnly), says)
				said, quiet = says, time.Now().Add(quietFor)
			}
			if !call.State.Open() {
				return tellTest(t.Out, call)
			}
			if call.HeardAt == nil && !quiet.IsZero() && time.Now().After(quiet) {
				fmt.Fprintf(t.Out, "Nothing is heard of the call. Does a server run that the voice API reaches at %s?\n",
					a.Config.Server.PublicURL)
				quiet = time.Time{}
			}
		}
		select {
		case <-ctx.Done():
			fmt.Fprintln(t.Out, "The call is not over. The shop's page shows what becomes of it.")
			return nil
		case <-time.After(followEvery):
		}
	}
}

func tellTest(out io.Writer, call *cart.Call) error {
	if call.DurationSeconds != nil {
		fmt.Fprintf(out, "Talked:    %s\n", wording.Talk(*call.DurationSeconds))
	}
	if call.Summary != "" {
		fmt.Fprintf(out, "Summary:   %s\n", call.Summary)
	}
	if call.RecordingURL != "" {
		fmt.Fprintf(out, "Recording: %s\n", call.RecordingURL)
	}
	if call.State == cart.Rejected {
		return fmt.Errorf("the call was not made: %s", call.Error)
	}
	return nil
}
