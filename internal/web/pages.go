package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ringback/internal/engine"
	"ringback/internal/web/guard"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

// frame is what every page has around it.
type frame struct {
	Title string
	// Section is the entry of the navigation that is marked as current.
	Section string
	// Bare leaves the navigation out, for whoever is not logged in.
	Bare bool
	// Logout offers to log out; Jobs links to River UI.
	Logout, Jobs bool
	Note         note
	// Live makes the page load itself again every liveSeconds; Toggle is the address of the page with that turned over, "" where it
	// is not offered.
	Live   bool
	Toggle string
	Now    time.Time
	zones  map[string]*time.Location
}

// liveSeconds is how often a live page loads itself again.
const liveSeconds = 10

// note is one line about what was just done.
type note struct {
	Text string
	Bad  bool
}

// notes are all notes there are, by the word that stands for them in an address: an address never brings text of its own.
var notes = map[string]note{
	"called":     {Text: "Call requested. It starts as soon as the rules allow."},
	"stopped":    {Text: "The cart is stopped. A call under way is being cancelled."},
	"suppressed": {Text: "Added to the do-not-call list."},
	"lifted":     {Text: "The suppression is lifted. Carts that it stopped stay stopped."},
	"gone":       {Text: "There was no such suppression any more.", Bad: true},
	"paused":     {Text: "Calling is paused for this shop."},
	"resumed":    {Text: "Calling resumed for this shop."},
	"unchanged":  {Text: "No change needed."},
	"settled":    {Text: "This cart is closed; no further action is possible.", Bad: true},
	"calling":    {Text: "A call to this cart is already under way.", Bad: true},
	"no-person":  {Text: "The cart has neither a phone number nor an email to suppress.", Bad: true},
}

// inside is set in the context of requests that have passed the login.
const inside = "inside"

// frame makes the surroundings of a page. section is "" for pages outside the navigation.
func (s *Server) frame(c echo.Context, title, section string) frame {
	f := frame{
		Title:   title,
		Section: section,
		Bare:    c.Get(inside) == nil,
		Logout:  s.sessions != nil,
		Jobs:    s.jobsUI,
		Note:    notes[c.QueryParam("note")],
		Now:     s.db.Now(),
		zones:   map[string]*time.Location{},
	}
	for _, store := range s.engine.Stores() {
		f.zones[store.Domain] = store.Location
	}
	return f
}

// live offers that the page keeps itself up to date.
func (f frame) live(c echo.Context) frame {
	u := *c.Request().URL
	q := u.Query()
	q.Del("note")
	f.Live = q.Get("live") == "on"
	if f.Live {
		q.Del("live")
	} else {
		q.Set("live", "on")
	}
	f.Toggle = address(u.Path, q)
	return f
}

// in is an instant by the clock of a shop; UTC for one that is not configured.
func (f frame) in(shop string, at time.Time) moment {
	zone := f.zones[shop]
	if zone == nil {
		zone = time.UTC
	}
	return moment{at: at, zone: zone, now: f.Now}
}

// address writes a path with its query, without empty values.
func address(path string, q url.Values) string {
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

// show writes a page, once all of it is made.
func (s *Server) show(c echo.Context, status int, view templ.Component) error {
	var page bytes.Buffer
	if err := view.Render(c.Request().Context(), &page); err != nil {
		return fmt.Errorf("make page: %w", err)
	}
	return c.HTMLBlob(status, page.Bytes())
}

// backTo sends a browser on after a form, with a note on what was done.
func backTo(c echo.Context, path, note string) error {
	return c.Redirect(http.StatusSeeOther, path+"?note="+note)
}

// errorPage shows a person what went wrong.
func (s *Server) errorPage(c echo.Context, p *problem.Problem) error {
	guard.SetPageHeaders(c.Response().Header(), guard.PagePolicy)
	return s.show(c, p.Status, errorView(s.frame(c, p.Title, ""), p, request.ID(c)))
}

// shopName is what a page calls a shop: the domain without what all have in common.
func shopName(domain string) string { return strings.TrimSuffix(domain, ".myshopify.com") }

// domains lists the configured shops.
func domains(stores []*engine.Store) []string {
	list := make([]string, len(stores))
	for i, s := range stores {
		list[i] = s.Domain
	}
	return list
}

// sourceDashboard is where a suppression came from when an operator made it on a page.
const sourceDashboard = "dashboard"

// usualSpan is how far back the statistics reach.
const usualSpan = 30 * 24 * time.Hour
