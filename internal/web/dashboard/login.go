package dashboard

import (
	"net/http"
	"net/url"
	"strings"

	"ringback/internal/route"
	"ringback/internal/web/page"
	"ringback/internal/web/request"
	"ringback/internal/web/session"

	"github.com/labstack/echo/v4"
)

func (d *Dashboard) loginPage(c echo.Context) error {
	next := safeNext(c.QueryParam("next"))
	if d.sessions.LoggedIn(c) {
		return c.Redirect(http.StatusSeeOther, next)
	}
	return d.showLogin(c, http.StatusOK, next, "")
}

// showLogin asks for the password. wrong says what was wrong with the last attempt; "" at the first.
func (d *Dashboard) showLogin(c echo.Context, status int, next, wrong string) error {
	return page.Show(c, status, loginView(d.pages.Frame(c, "Log in", ""), next, wrong))
}

func (d *Dashboard) logIn(c echo.Context) error {
	next := safeNext(c.FormValue("next"))
	verdict, err := d.sessions.LogIn(c, c.FormValue("password"))
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	switch verdict {
	case session.TooMany:
		d.log.WarnContext(ctx, "too many attempts to log in", "request_id", request.ID(c))
		c.Response().Header().Set("Retry-After", "15")
		return d.showLogin(c, http.StatusTooManyRequests, next, "Too many attempts. Try again in 15 seconds.")
	case session.Wrong:
		d.log.WarnContext(ctx, "wrong dashboard password", "request_id", request.ID(c))
		return d.showLogin(c, http.StatusUnauthorized, next, "Wrong password.")
	case session.Right:
	}
	return c.Redirect(http.StatusSeeOther, next)
}

func (d *Dashboard) logOut(c echo.Context) error {
	if err := d.sessions.LogOut(c); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, route.Login)
}

// safeNext is the page to go to after the login: one of ours, whatever the address says.
func safeNext(next string) string {
	u, err := url.Parse(next)
	ours := err == nil && u.Scheme == "" && u.Host == "" &&
		strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") && !strings.ContainsAny(next, "\\\r\n\t")
	if !ours {
		return "/"
	}
	return next
}
