// Package page holds what every page has in common: its surroundings, notes, instants and the page that shows an error.
package page

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"

	"ringback/internal/engine"
	"ringback/internal/web/guard"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"
	"ringback/internal/web/session"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

// Maker makes the frames of pages. It is safe for concurrent use.
type Maker struct {
	Engine *engine.Engine
	// Logout offers to log out; Jobs links to River UI.
	Logout, Jobs bool
}

// Frame is what a page has around it.
type Frame struct {
	Title string
	// Section is the entry of the navigation that is marked as current; "" for a page outside of the navigation.
	Section string
	// Bare leaves the navigation out, for whoever is not logged in.
	Bare         bool
	Logout, Jobs bool
	// Endpoints links to the endpoints of events.
	Endpoints bool
	Note      Note
	// Live makes the page reload itself every liveSeconds. Toggle is the address of the page that does the opposite;
	// "" where reloading is not offered.
	Live   bool
	Toggle string
	Now    time.Time
	zones  map[string]*time.Location
}

// liveSeconds is how often a live page reloads itself.
const liveSeconds = 10

// Frame makes the frame of a page.
func (m *Maker) Frame(c echo.Context, title, section string) Frame {
	f := Frame{
		Title:     title,
		Section:   section,
		Bare:      !session.Inside(c),
		Logout:    m.Logout,
		Jobs:      m.Jobs,
		Endpoints: len(m.Engine.Endpoints()) > 0,
		Note:      NoteOf(c.QueryParam("note")),
		Now:       m.Engine.Now(),
		zones:     map[string]*time.Location{},
	}
	for _, store := range m.Engine.Stores() {
		f.zones[store.Domain] = store.Location
	}
	return f
}

// Refreshing offers that the page reloads itself.
func (f Frame) Refreshing(c echo.Context) Frame {
	u := *c.Request().URL
	q := u.Query()
	q.Del("note")
	f.Live = q.Get("live") == "on"
	if f.Live {
		q.Del("live")
	} else {
		q.Set("live", "on")
	}
	f.Toggle = Address(u.Path, q)
	return f
}

// In is an instant by the clock of a shop; in UTC for a shop that is not configured.
func (f Frame) In(shop string, at time.Time) Moment {
	return Moment{at: at, zone: f.Zone(shop), now: f.Now}
}

// Zone is the clock of a shop; UTC for a shop that is not configured.
func (f Frame) Zone(shop string) *time.Location {
	if zone := f.zones[shop]; zone != nil {
		return zone
	}
	return time.UTC
}

// InOrNil is In for an instant that may be missing.
func (f Frame) InOrNil(shop string, at *time.Time) *Moment {
	if at == nil {
		return nil
	}
	m := f.In(shop, *at)
	return &m
}

// Address writes a path with its query and leaves empty parameters out.
func Address(path string, q url.Values) string {
	for name, values := range q {
		if len(values) == 0 || values[0] == "" {
			q.Del(name)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Show renders all of a page and then answers with it.
func Show(c echo.Context, status int, view templ.Component) error {
	var page bytes.Buffer
	if err := view.Render(c.Request().Context(), &page); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	return c.HTMLBlob(status, page.Bytes())
}

// ShowError shows a person what went wrong.
func (m *Maker) ShowError(c echo.Context, p *problem.Error) error {
	guard.SetPageHeaders(c.Response().Header(), guard.PagePolicy)
	return Show(c, p.Status, errorView(m.Frame(c, p.Title, ""), p, request.ID(c)))
}

// ShopName is what a page calls a shop: its domain without the part that all have in common.
func ShopName(domain string) string { return strings.TrimSuffix(domain, ".myshopify.com") }
