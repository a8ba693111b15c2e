package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/outbound"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// What an operator can do with endpoints.

// SwitchEndpointOn lets an endpoint be told again that was switched off. It reports whether it was.
func (e *Engine) SwitchEndpointOn(ctx context.Context, id string) (on bool, err error) {
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		if on, err = u.Tx.SwitchEndpointOn(ctx, id); on {
			u.tellTo[id] = true
		}
		return err
	})
	return on, err
}

// sampleShop is the shop of a test event for an endpoint that takes the events of all.
const sampleShop = "example.myshopify.com"

// testWithin is how long the job of a test event may take, before the event is sent as others are.
const testWithin = 10 * time.Minute

// SendTestEvent has a made-up event of a type sent to an endpoint, once, whether it is switched on or not. It returns
// the stream that the delivery is alone in. The error is postgres.ErrNotFound for an endpoint that is not configured.
func (e *Engine) SendTestEvent(ctx context.Context, endpoint string, t outbound.Type) (uuid.UUID, error) {
	p := e.endpoints.byID[endpoint]
	if p == nil {
		return uuid.Nil, postgres.ErrNotFound
	}
	shop := sampleShop
	if len(p.Stores) > 0 {
		shop = p.Stores[0]
	}
	stream := uuid.New()
	err := e.inTx(ctx, func(ctx context.Context, u *unit) error {
		d := postgres.Delivery{
			Told: outbound.Told{
				Event: outbound.Event{Type: t, Facts: outbound.SampleFacts(t)}, Shop: shop, At: u.Now, Sequence: 1,
			},
			Stream: stream, Endpoint: endpoint, EventID: postgres.EventIDAt(u.Now, 0),
			// The job below sends it before.
			DueAt: u.Now.Add(testWithin),
		}
		if err := u.Append(ctx, nil, []postgres.Delivery{d}); err != nil {
			return err
		}
		return u.insert(ctx, TestEndpoint{Endpoint: endpoint, Stream: stream}, time.Time{})
	})
	return stream, err
}

// TestEndpoint sends the event of SendTestEvent.
func (e *Engine) TestEndpoint(ctx context.Context, endpoint string, stream uuid.UUID) error {
	p := e.endpoints.byID[endpoint]
	if p == nil {
		return errUnknownReceiver
	}
	list, err := e.db.Deliveries(ctx, postgres.DeliveryFilter{Stream: stream, State: postgres.DeliveryPending, Limit: 1})
	if err != nil || len(list) == 0 {
		return err
	}
	taken, err := e.deliver(ctx, p, &list[0], true)
	if err == nil && taken {
		// It works again.
		err = e.db.EndpointBack(ctx, endpoint, e.db.Now().Add(takenFor))
	}
	return err
}

// Replay has deliveries sent again that were delivered or given up. It returns how many.
func (e *Engine) Replay(ctx context.Context, f postgres.ReplayFilter) (n int, err error) {
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		var endpoints []string
		if n, endpoints, err = u.ReplayDeliveries(ctx, f); err != nil {
			return err
		}
		for _, id := range endpoints {
			u.tellTo[id] = true
		}
		return nil
	})
	return n, err
}

// EndpointStatus is a configured endpoint and how the sending to it goes.
type EndpointStatus struct {
	*Endpoint
	State postgres.Endpoint
	// Pending counts the deliveries that wait, up to MostCounted.
	Pending int
}

// Word says in one word how it goes: on, failing or off.
func (s EndpointStatus) Word() string {
	switch {
	case s.State.OffAt != nil:
		return "off"
	case s.State.FailingSince != nil:
		return "failing"
	}
	return "on"
}

// MostCounted bounds how many waiting deliveries are counted.
const MostCounted = 10_000

// EndpointStatuses lists the configured endpoints as they are in the configuration.
func (e *Engine) EndpointStatuses(ctx context.Context) ([]EndpointStatus, error) {
	list := make([]EndpointStatus, 0, len(e.endpoints.list))
	for _, p := range e.endpoints.list {
		status, err := e.EndpointStatus(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		list = append(list, status)
	}
	return list, nil
}

// EndpointStatus is one configured endpoint; postgres.ErrNotFound for any other.
func (e *Engine) EndpointStatus(ctx context.Context, id string) (EndpointStatus, error) {
	p := e.endpoints.byID[id]
	if p == nil {
		return EndpointStatus{}, postgres.ErrNotFound
	}
	state, err := e.db.Endpoint(ctx, id)
	if err != nil && !errors.Is(err, postgres.ErrNotFound) {
		return EndpointStatus{}, err
	}
	pending, err := e.db.PendingDeliveries(ctx, id, MostCounted)
	return EndpointStatus{Endpoint: p, State: state, Pending: pending}, err
}
