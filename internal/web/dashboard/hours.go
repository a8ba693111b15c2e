package dashboard

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"ringback/internal/policy"
	"ringback/internal/web/page"
	"ringback/internal/web/param"
	"ringback/internal/web/shop"

	"github.com/labstack/echo/v4"
)

// hoursModel is the page of where and when a shop's customers may be called, and by which law.
type hoursModel struct {
	page.Frame
	Domain string
	// Version is the date of the table, Day the day that it is shown for.
	Version, Day string
	// Country narrows the list; "" for all.
	Country string
	// Off is true when the shop does not use the table.
	Off  bool
	Rows []policy.Jurisdiction
}

// hoursPage shows the calling-hours table as the shop changes it. The rows of the shop's own country come first.
func (d *Dashboard) hoursPage(c echo.Context) error {
	store, err := shop.Of(c, d.engine)
	if err != nil {
		return err
	}
	q := param.ReadQuery(c, "country", "at")
	f := d.pages.Frame(c, "Calling hours of "+store.Domain, "shops")
	v := hoursModel{
		Frame: f, Domain: store.Domain, Country: strings.ToUpper(strings.TrimSpace(q.Get("country"))),
		Off: store.Config.Policy.QuietHours == policy.QuietOff,
	}
	at := f.Now.In(store.Location)
	if day := q.Get("at"); day != "" {
		if at, err = time.Parse(time.DateOnly, day); err != nil {
			q.Refuse("at", day, "write a date such as 2026-12-28, or leave it out for today")
		}
	}
	if err := q.Err(); err != nil {
		return err
	}
	v.Day = at.Format(time.DateOnly)
	// The table is by calendar days.
	noon := time.Date(at.Year(), at.Month(), at.Day(), 12, 0, 0, 0, time.UTC)
	if v.Version, v.Rows, err = policy.Jurisdictions(store.Rules.Policy, noon); err != nil {
		return err
	}
	if v.Country != "" {
		v.Rows = slices.DeleteFunc(v.Rows, func(j policy.Jurisdiction) bool { return !j.Covers(v.Country) })
	}
	slices.SortStableFunc(v.Rows, func(a, b policy.Jurisdiction) int {
		own := func(j policy.Jurisdiction) int {
			if j.Covers(store.Config.Country) {
				return 0
			}
			return 1
		}
		return own(a) - own(b)
	})
	return page.Show(c, http.StatusOK, hoursView(v))
}

// days are the columns of the grid: the days of the week, and holidays.
var days = [...]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Holiday"}

// onDay returns the hours of a column of the grid.
func onDay(j policy.Jurisdiction, day int) []policy.Hours {
	if day < len(j.Week) {
		return j.Week[day]
	}
	return j.Holiday
}

// hoursSay writes the hours of a day, shorter than with minutes where they are full hours: "10-19".
func hoursSay(hours []policy.Hours) string {
	texts := make([]string, len(hours))
	for i, h := range hours {
		texts[i] = strings.ReplaceAll(h.String(), ":00", "")
	}
	return strings.Join(texts, " ")
}
