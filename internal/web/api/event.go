package api

import (
	"cmp"
	"net/http"
	"time"

	"ringback/internal/engine"
	"ringback/internal/outbound"
	"ringback/internal/postgres"
	"ringback/internal/web/param"
	"ringback/internal/web/problem"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// endpointJSON is a configured endpoint and how the sending to it goes.
type endpointJSON struct {
	ID string `json:"id"`
	// Host is the part of the address that may be shown.
	Host string `json:"host"`
	// State is on, failing or off.
	State string `json:"state"`
	// Events and Stores are what it is told of; empty for everything.
	Events []outbound.Type `json:"events"`
	Stores []string        `json:"stores"`
	// Pending counts the deliveries that wait.
	Pending      int        `json:"pending"`
	DeliveredAt  *time.Time `json:"delivered_at"`
	FailingSince *time.Time `json:"failing_since"`
	FailedWhy    *string    `json:"failed_why"`
	OffAt        *time.Time `json:"off_at"`
}

func endpointAsJSON(s engine.EndpointStatus) endpointJSON {
	j := endpointJSON{
		ID: s.ID, Host: s.Host, State: s.Word(), Events: s.Types, Stores: s.Stores, Pending: s.Pending,
		DeliveredAt: s.State.DeliveredAt, FailingSince: s.State.FailingSince, FailedWhy: orNull(s.State.FailedWhy),
		OffAt: s.State.OffAt,
	}
	if j.Events == nil {
		j.Events = []outbound.Type{}
	}
	if j.Stores == nil {
		j.Stores = []string{}
	}
	return j
}

// deliveryJSON is an event on its way to an endpoint.
type deliveryJSON struct {
	EventID  uuid.UUID     `json:"event_id"`
	Endpoint string        `json:"endpoint"`
	Type     outbound.Type `json:"type"`
	Shop     string        `json:"shop"`
	// CartID is null for an event about a shop.
	CartID   *uuid.UUID             `json:"cart_id"`
	CallID   *uuid.UUID             `json:"call_id"`
	Sequence int                    `json:"sequence"`
	Test     bool                   `json:"test"`
	At       time.Time              `json:"at"`
	State    postgres.DeliveryState `json:"state"`
	// DueAt is when a pending one is sent at the earliest; null for any other.
	DueAt    *time.Time         `json:"due_at"`
	DoneAt   *time.Time         `json:"done_at"`
	Tries    int                `json:"tries"`
	Attempts []postgres.Attempt `json:"attempts"`
}

func deliveryAsJSON(d *postgres.Delivery) deliveryJSON {
	j := deliveryJSON{
		EventID: d.EventID, Endpoint: d.Endpoint, Type: d.Type, Shop: d.Shop, CallID: orNull(d.CallID), Sequence: d.Sequence,
		Test: d.Facts.Test, At: d.At, State: d.State, DoneAt: d.DoneAt, Tries: d.Tries, Attempts: d.Attempts,
	}
	if !d.Type.OfShop() && !d.Facts.Test {
		j.CartID = &d.Stream
	}
	if d.State == postgres.DeliveryPending {
		j.DueAt = &d.DueAt
	}
	return j
}

func (a *API) endpoints(c echo.Context) error {
	if err := param.ReadQuery(c).Err(); err != nil {
		return err
	}
	statuses, err := a.engine.EndpointStatuses(c.Request().Context())
	if err != nil {
		return err
	}
	list := make([]endpointJSON, len(statuses))
	for i, s := range statuses {
		list[i] = endpointAsJSON(s)
	}
	return c.JSON(http.StatusOK, struct {
		Endpoints []endpointJSON `json:"endpoints"`
	}{list})
}

// deliveries lists deliveries, those of the newest events first.
func (a *API) deliveries(c echo.Context) error {
	q := param.ReadQuery(c, "endpoint", "cart", "state", "cursor", "limit")
	f := postgres.DeliveryFilter{
		Endpoint: q.Get("endpoint"), Stream: q.ID("cart"), State: q.DeliveryState(), Before: q.Cursor(),
	}
	limit := q.Limit()
	if err := q.Err(); err != nil {
		return err
	}
	f.Limit = limit + 1
	found, err := a.db.Deliveries(c.Request().Context(), f)
	if err != nil {
		return err
	}
	found, next := param.Page(found, limit, func(d postgres.Delivery) uuid.UUID { return d.EventID })
	list := make([]deliveryJSON, len(found))
	for i := range found {
		list[i] = deliveryAsJSON(&found[i])
	}
	return c.JSON(http.StatusOK, struct {
		Deliveries []deliveryJSON `json:"deliveries"`
		NextCursor string         `json:"next_cursor"`
	}{list, next})
}

// switchOn switches an endpoint on again and answers with it.
func (a *API) switchOn(c echo.Context) error {
	if err := param.ReadQuery(c).Err(); err != nil {
		return err
	}
	ctx, id := c.Request().Context(), c.Param("id")
	if _, err := a.engine.EndpointStatus(ctx, id); err != nil {
		return err
	}
	if _, err := a.engine.SwitchEndpointOn(ctx, id); err != nil {
		return err
	}
	status, err := a.engine.EndpointStatus(ctx, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, endpointAsJSON(status))
}

// testEndpoint has a test event sent, of the type in the query or call.no_answer.
func (a *API) testEndpoint(c echo.Context) error {
	q := param.ReadQuery(c, "type")
	kind := outbound.Type(cmp.Or(q.Get("type"), string(outbound.CallNoAnswer)))
	if !kind.Valid() {
		q.Refuse("type", string(kind), "write a type of event such as call.no_answer, or leave it out")
	}
	if err := q.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	stream, err := a.engine.SendTestEvent(ctx, c.Param("id"), kind)
	if err != nil {
		return err
	}
	made, err := a.db.Deliveries(ctx, postgres.DeliveryFilter{Stream: stream, Limit: 1})
	if err != nil {
		return err
	}
	if len(made) == 0 {
		return problem.NotFound("The delivery of the test event is not kept any more.")
	}
	return c.JSON(http.StatusAccepted, deliveryAsJSON(&made[0]))
}

// replay has deliveries to an endpoint sent again.
func (a *API) replay(c echo.Context) error {
	q := param.ReadQuery(c, "cart", "since", "until", "failed")
	f := postgres.ReplayFilter{
		Endpoint: c.Param("id"), Stream: q.ID("cart"), FailedOnly: q.Flag("failed"),
		Since: q.Instant("since", time.Time{}, false), Until: q.Instant("until", time.Time{}, true),
	}
	if f.Stream == uuid.Nil && f.Since.IsZero() && !f.FailedOnly {
		q.Refuse("since", "", "say what is sent again: since, cart or failed=true")
	}
	if err := q.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if _, err := a.engine.EndpointStatus(ctx, f.Endpoint); err != nil {
		return err
	}
	n, err := a.engine.Replay(ctx, f)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Replayed int `json:"replayed"`
	}{n})
}

// eventSchema is the JSON Schema of what endpoints are sent.
func (a *API) eventSchema(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/schema+json", outbound.Schema())
}
