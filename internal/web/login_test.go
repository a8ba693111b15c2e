package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ringback/internal/web"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages are addresses behind the login.
var pages = []string{"/", "/carts", "/calls", "/suppressions", "/shops", "/shops/" + acme, "/jobs/", "/jobs"}

func withUI(o *web.Options) {
	o.RiverUI = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("jobs at " + r.URL.Path)) })
}

func (s *site) logIn(password string) answer {
	s.t.Helper()
	return s.form("/login", url.Values{"password": {password}})
}

func (s *site) cookie() *http.Cookie {
	u, err := url.Parse(s.url)
	require.NoError(s.t, err)
	for _, c := range s.client.Jar.Cookies(u) {
		if strings.Contains(c.Name, "ringback") {
			return c
		}
	}
	return nil
}

func TestPagesAskForThePassword(t *testing.T) {
	t.Parallel()
	s := newSite(t, withPassword, withUI)
	for _, path := range pages {
		a := s.page(path)
		assert.Equal(t, http.StatusSeeOther, a.StatusCode, path)
		want := "/login?next=" + url.QueryEscape(path)
		if path == "/" {
			want = "/login"
		}
		assert.Equal(t, want, a.Header.Get("Location"))
		assert.Empty(t, a.Header.Get("Set-Cookie"), "no session for strangers")
	}
	for _, path := range []string{"/suppressions", "/shops/" + acme + "/pause", "/jobs/api/jobs/cancel"} {
		assert.Equal(t, http.StatusUnauthorized, s.form(path, url.Values{}).StatusCode, path)
	}
	isProblem(t, s.send(http.MethodGet, "/jobs/api/jobs", nil), http.StatusUnauthorized)
	assert.Zero(t, s.count(`SELECT count(*) FROM sessions`))
}

func TestALoginOpensThePagesUntilTheLogout(t *testing.T) {
	t.Parallel()
	s := newSite(t, withPassword, withUI)
	login := s.page("/login?next=/carts?state=ready")
	assert.Equal(t, http.StatusOK, login.StatusCode)
	assert.Contains(t, login.text(), `name="next" value="/carts?state=ready"`)
	assert.NotContains(t, login.text(), "<nav", "strangers see no pages")

	a := s.logIn("open sesame")
	assert.Equal(t, http.StatusUnauthorized, a.StatusCode)
	assert.Contains(t, a.text(), "Wrong password.")
	require.Nil(t, s.cookie())

	a = s.form("/login", url.Values{"password": {password}, "next": {"/carts?state=ready"}})
	assert.Equal(t, http.StatusSeeOther, a.StatusCode)
	assert.Equal(t, "/carts?state=ready", a.Header.Get("Location"))
	set := a.Header.Get("Set-Cookie")
	for _, want := range []string{"ringback=", "Path=/", "HttpOnly", "SameSite=Lax"} {
		assert.Contains(t, set, want)
	}
	cookie := s.cookie()
	require.NotNil(t, cookie)
	assert.Zero(t, s.count(`SELECT count(*) FROM sessions WHERE token = $1`, cookie.Value), "the database holds the hash of the token only")
	assert.Equal(t, 1, s.count(`SELECT count(*) FROM sessions`))

	for _, path := range pages[:len(pages)-1] {
		assert.Equal(t, http.StatusOK, s.page(path).StatusCode, path)
	}
	assert.Equal(t, "/jobs/", s.page("/jobs").Header.Get("Location"))
	assert.Equal(t, "/carts", s.page("/login?next=/carts").Header.Get("Location"), "who is in needs no login")
	isProblem(t, s.send(http.MethodGet, "/api/v1/carts", nil), http.StatusUnauthorized)

	a = s.form("/logout", nil)
	assert.Equal(t, http.StatusSeeOther, a.StatusCode)
	assert.Equal(t, http.StatusSeeOther, s.page("/carts").StatusCode)
	assert.Zero(t, s.count(`SELECT count(*) FROM sessions`))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/carts", nil)
	require.NoError(t, err)
	request.AddCookie(cookie)
	assert.Equal(t, http.StatusSeeOther, s.do(request).StatusCode, "the old cookie is worth nothing")
}

// A session that somebody planted before the login does not become the login.
func TestALoginGetsATokenOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t, withPassword)
	s.logIn(password)
	first := s.cookie()
	require.NotNil(t, first)
	assert.Equal(t, http.StatusSeeOther, s.logIn(password).StatusCode)
	assert.NotEqual(t, first.Value, s.cookie().Value)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/carts", nil)
	require.NoError(t, err)
	s.client.Jar = nil
	request.AddCookie(first)
	assert.Equal(t, http.StatusSeeOther, s.do(request).StatusCode)
}

func TestANewPasswordEndsAllLogins(t *testing.T) {
	t.Parallel()
	s := newSite(t, withPassword)
	s.logIn(password)
	assert.Equal(t, http.StatusOK, s.page("/carts").StatusCode)

	cookie := s.cookie()
	changed := *s.cfg
	changed.Security.DashboardPassword = "another password"
	s.serve(web.Options{Engine: s.engine, DB: s.db, Config: &changed, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/carts", nil)
	require.NoError(t, err)
	request.AddCookie(cookie)
	assert.Equal(t, http.StatusSeeOther, s.do(request).StatusCode)
}

func TestCookiesAreBoundToAnHTTPSHost(t *testing.T) {
	t.Parallel()
	s := newSite(t, withPassword, func(o *web.Options) { o.Config.Server.PublicURL = "https://calls.example.com" })
	set := s.logIn(password).Header.Get("Set-Cookie")
	assert.Contains(t, set, "__Host-ringback=")
	assert.Contains(t, set, "; Secure")
	assert.Contains(t, set, "Path=/;")
	assert.NotContains(t, set, "Domain")
}

func TestALoginLeadsOnlyToOurPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, withPassword)
	clients := 0
	for next, want := range map[string]string{
		"/carts?state=ready":      "/carts?state=ready",
		"":                        "/",
		"carts":                   "/",
		"https://evil.example":    "/",
		"//evil.example":          "/",
		"/\\evil.example":         "/",
		"/%zz":                    "/",
		"/\t/evil.example":        "/",
		"javascript:alert(1)":     "/",
		"http:evil.example/carts": "/",
	} {
		clients++
		s.form("/logout", nil)
		// Each from an address of its own: attempts from one are bounded.
		a := s.send(http.MethodPost, "/login", strings.NewReader(url.Values{"password": {password}, "next": {next}}.Encode()),
			"Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", clients))
		assert.Equal(t, want, a.Header.Get("Location"), next)
	}
}

func TestGuessingIsBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t, withPassword)
	for range 5 {
		assert.Equal(t, http.StatusUnauthorized, s.logIn("guess").StatusCode)
	}
	a := s.logIn(password)
	assert.Equal(t, http.StatusTooManyRequests, a.StatusCode, "the right one is not told either")
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	a = s.send(http.MethodPost, "/login", strings.NewReader("password="+url.QueryEscape(password)),
		"Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", "203.0.113.9")
	assert.Equal(t, http.StatusSeeOther, a.StatusCode, "others may still log in")
	assert.NotContains(t, s.log.String(), "guess\"")
	assert.NotContains(t, s.log.String(), password)
}
