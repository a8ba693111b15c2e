package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ringback/internal/outbound"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// ListEndpoints tells how the sending of events to each endpoint goes.
func (a *App) ListEndpoints(ctx context.Context, out io.Writer) error {
	statuses, err := a.Engine.EndpointStatuses(ctx)
	if err != nil {
		return err
	}
	if len(statuses) == 0 {
		fmt.Fprintln(out, "No endpoint is configured: see integrations.endpoints in config.example.yaml.")
	}
	for _, s := range statuses {
		fmt.Fprintf(out, "%s  %-8s %5d waiting  %s\n", s.ID, s.Word(), s.Pending, s.Host)
		if s.State.OffAt != nil {
			fmt.Fprintf(out, "  Switched off at %s: %s. Switch it on again with: ringback events on -endpoint %s\n",
				s.State.OffAt.Format(time.RFC3339), s.State.FailedWhy, s.ID)
		} else if s.State.FailingSince != nil {
			fmt.Fprintf(out, "  Failing since %s: %s\n", s.State.FailingSince.Format(time.RFC3339), s.State.FailedWhy)
		}
	}
	return nil
}

// endpointID finds the endpoint that an operator names by its id or by the beginning of it; without a name, the only
// one there is.
func (a *App) endpointID(name string) (string, error) {
	var ids []string
	for _, p := range a.Engine.Endpoints() {
		if strings.HasPrefix(p.ID, name) {
			ids = append(ids, p.ID)
		}
	}
	switch {
	case len(ids) == 1:
		return ids[0], nil
	case len(ids) == 0 && name != "":
		return "", fmt.Errorf("-endpoint %q names none; ringback events list shows them", name)
	case len(ids) == 0:
		return "", errors.New("no endpoint is configured: see integrations.endpoints in config.example.yaml")
	}
	return "", errors.New("there are several endpoints; name one with -endpoint: ringback events list shows them")
}

// SwitchEndpointOn switches an endpoint on again.
func (a *App) SwitchEndpointOn(ctx context.Context, out io.Writer, endpoint string) error {
	id, err := a.endpointID(endpoint)
	if err != nil {
		return err
	}
	on, err := a.Engine.SwitchEndpointOn(ctx, id)
	if err != nil {
		return err
	}
	if on {
		fmt.Fprintln(out, "Switched on. What waited is sent now.")
	} else {
		fmt.Fprintln(out, "The endpoint is on already.")
	}
	return nil
}

// Again says which events are sent again; zero values do not narrow them.
type Again struct {
	// Endpoint is the id of an endpoint, or the beginning of it.
	Endpoint     string
	Cart         uuid.UUID
	Since, Until time.Time
	// FailedOnly leaves out what was delivered.
	FailedOnly bool
}

// ReplayEvents has deliveries sent again.
func (a *App) ReplayEvents(ctx context.Context, out io.Writer, g Again) error {
	f := postgres.ReplayFilter{Stream: g.Cart, Since: g.Since, Until: g.Until, FailedOnly: g.FailedOnly}
	if g.Endpoint != "" {
		id, err := a.endpointID(g.Endpoint)
		if err != nil {
			return err
		}
		f.Endpoint = id
	}
	n, err := a.Engine.Replay(ctx, f)
	if err == nil {
		fmt.Fprintf(out, "Events that are sent again: %d\n", n)
	}
	return err
}

const (
	// testLook is how often it is looked whether a test event was sent, and testWait for how long.
	testLook = 100 * time.Millisecond
	testWait = 30 * time.Second
)

// TestEvent has a test event sent and waits for what comes of it. The error says why the endpoint did not take it.
func (a *App) TestEvent(ctx context.Context, out io.Writer, endpoint, kind string) error {
	t := outbound.Type(kind)
	if !t.Valid() {
		return fmt.Errorf("-type %q is no type of event; write one such as call.no_answer", kind)
	}
	id, err := a.endpointID(endpoint)
	if err != nil {
		return err
	}
	stream, err := a.Engine.SendTestEvent(ctx, id, t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testWait)
	defer cancel()
	ticks := time.NewTicker(testLook)
	defer ticks.Stop()
	for {
		list, err := a.DB.Deliveries(ctx, postgres.DeliveryFilter{Stream: stream, Limit: 1})
		if err != nil && ctx.Err() == nil {
			return err
		}
		if len(list) == 1 && len(list[0].Attempts) > 0 {
			try := list[0].Attempts[0]
			if try.Error != "" {
				return errors.New("the test event was not taken: " + try.Error)
			}
			fmt.Fprintf(out, "The endpoint took the test event: it answered %d within %d ms.\n", try.Status, try.Milliseconds)
			return nil
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return errors.New("the test event waits: no server or worker with this configuration has sent it yet")
		}
	}
}
