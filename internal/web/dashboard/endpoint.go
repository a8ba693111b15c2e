package dashboard

import (
	"context"
	"net/http"
	"strconv"

	"ringback/internal/engine"
	"ringback/internal/outbound"
	"ringback/internal/postgres"
	"ringback/internal/web/page"
	"ringback/internal/web/param"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// endpointsModel is the page of the endpoints that events are sent to, with the newest deliveries.
type endpointsModel struct {
	page.Frame
	links
	Endpoints  []endpointLine
	Deliveries []deliveryLine
}

// endpointLine is an endpoint in the list.
type endpointLine struct {
	engine.EndpointStatus
	// Delivered, Failing and Off are nil for what has not happened.
	Delivered, Failing, Off *page.Moment
}

// waiting says how many deliveries wait.
func (l endpointLine) waiting() string {
	if l.Pending >= engine.MostCounted {
		return strconv.Itoa(engine.MostCounted) + " or more"
	}
	return strconv.Itoa(l.Pending)
}

// deliveryLine is a delivery in a list.
type deliveryLine struct {
	postgres.Delivery
	Host string
	When page.Moment
	// Due is when a pending one is sent at the earliest.
	Due *page.Moment
}

// last is the newest attempt; nil before the first.
func (l deliveryLine) last() *postgres.Attempt {
	if len(l.Attempts) == 0 {
		return nil
	}
	return &l.Attempts[len(l.Attempts)-1]
}

// ofCart reports whether the delivery is about a real cart.
func (l deliveryLine) ofCart() bool { return !l.Type.OfShop() && !l.Facts.Test }

func (d *Dashboard) deliveryLines(f page.Frame, list []postgres.Delivery) []deliveryLine {
	hosts := map[string]string{}
	for _, p := range d.engine.Endpoints() {
		hosts[p.ID] = p.Host
	}
	lines := make([]deliveryLine, len(list))
	for i, delivery := range list {
		lines[i] = deliveryLine{Delivery: delivery, Host: hosts[delivery.Endpoint], When: f.In(delivery.Shop, delivery.At)}
		if lines[i].Host == "" {
			lines[i].Host = delivery.Endpoint
		}
		if delivery.State == postgres.DeliveryPending {
			due := f.In(delivery.Shop, delivery.DueAt)
			lines[i].Due = &due
		}
	}
	return lines
}

func (d *Dashboard) endpointsPage(c echo.Context) error {
	q := param.ReadQuery(c, "endpoint", "state", "cursor", "live", "note")
	filter := postgres.DeliveryFilter{
		Endpoint: q.Get("endpoint"), State: q.DeliveryState(), Before: q.Cursor(), Limit: param.UsualLimit + 1,
	}
	if err := q.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	v := endpointsModel{Frame: d.pages.Frame(c, "Endpoints", "endpoints").Refreshing(c)}
	statuses, err := d.engine.EndpointStatuses(ctx)
	if err != nil {
		return err
	}
	for _, s := range statuses {
		v.Endpoints = append(v.Endpoints, endpointLine{
			EndpointStatus: s, Delivered: v.InOrNil("", s.State.DeliveredAt), Failing: v.InOrNil("", s.State.FailingSince),
			Off: v.InOrNil("", s.State.OffAt),
		})
	}
	list, err := d.db.Deliveries(ctx, filter)
	if err != nil {
		return err
	}
	list, v.links = pageOf(c, list, filter.Before, func(d postgres.Delivery) uuid.UUID { return d.EventID })
	v.Deliveries = d.deliveryLines(v.Frame, list)
	return page.Show(c, http.StatusOK, endpointsView(v))
}

func (d *Dashboard) switchEndpointOn(c echo.Context) error {
	on, err := d.engine.SwitchEndpointOn(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if !on {
		return backTo(c, "/endpoints", "unchanged")
	}
	return backTo(c, "/endpoints", "endpoint-on")
}

func (d *Dashboard) testEndpoint(c echo.Context) error {
	_, err := d.engine.SendTestEvent(c.Request().Context(), c.Param("id"), outbound.CallNoAnswer)
	if err != nil {
		return err
	}
	return backTo(c, "/endpoints", "tested")
}

// endpointsOff counts the endpoints that were switched off.
func (d *Dashboard) endpointsOff(ctx context.Context) (off int, err error) {
	statuses, err := d.engine.EndpointStatuses(ctx)
	for _, s := range statuses {
		if s.State.OffAt != nil {
			off++
		}
	}
	return off, err
}

// endpointTone is the colour class of how the sending to an endpoint goes.
func endpointTone(s engine.EndpointStatus) string {
	switch {
	case s.State.OffAt != nil:
		return "tone-bad"
	case s.State.FailingSince != nil:
		return "tone-wait"
	}
	return "tone-good"
}

// deliveryTone is the colour class of a delivery.
func deliveryTone(s postgres.DeliveryState) string {
	switch s {
	case postgres.DeliveryDone:
		return "tone-good"
	case postgres.DeliveryFailed:
		return "tone-bad"
	case postgres.DeliveryPending:
		return "tone-wait"
	}
	return "tone-still"
}
