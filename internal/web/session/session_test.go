package session_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ringback/internal/web"
	"ringback/internal/web/webtest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages are addresses behind the login.
var pages = []string{"/", "/carts", "/calls", "/suppressions", "/shops", "/shops/" + webtest.Acme, "/jobs/", "/jobs"}

func cookie(s *webtest.Site) *http.Cookie {
	u, err := url.Parse(s.URL)
	require.NoError(s.T, err)
	for _, c := range s.Client.Jar.Cookies(u) {
		if strings.Contains(c.Name, "ringback") {
			return c
		}
	}
	return nil
}

func TestPages_AskForThePassword(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword, webtest.WithUI)
	for _, path := range pages {
		a := s.Page(path)
		assert.Equal(t, http.StatusSeeOther, a.StatusCode, path)
		want := "/login?next=" + url.QueryEscape(path)
		if path == "/" {
			want = "/login"
		}
		assert.Equal(t, want, a.Header.Get("Location"))
		assert.Empty(t, a.Header.Get("Set-Cookie"), "no session for strangers")
	}
	for _, path := range []string{"/suppressions", "/shops/" + webtest.Acme + "/pause", "/jobs/api/jobs/cancel"} {
		assert.Equal(t, http.StatusUnauthorized, s.Form(path, url.Values{}).StatusCode, path)
	}
	webtest.IsProblem(t, s.Send(http.MethodGet, "/jobs/api/jobs", nil), http.StatusUnauthorized)
	assert.Zero(t, s.Count(`SELECT count(*) FROM sessions`))
}

func TestLogin_OpensThePagesUntilLogout(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword, webtest.WithUI)
	login := s.Page("/login?next=/carts?state=ready")
	assert.Equal(t, http.StatusOK, login.StatusCode)
	assert.Contains(t, login.Text(), `name="next" value="/carts?state=ready"`)
	assert.NotContains(t, login.Text(), "<nav", "strangers see no pages")

	a := s.LogIn("open sesame")
	assert.Equal(t, http.StatusUnauthorized, a.StatusCode)
	assert.Contains(t, a.Text(), "Wrong password.")
	require.Nil(t, cookie(s))

	a = s.Form("/login", url.Values{"password": {webtest.Password}, "next": {"/carts?state=ready"}})
	assert.Equal(t, http.StatusSeeOther, a.StatusCode)
	assert.Equal(t, "/carts?state=ready", a.Header.Get("Location"))
	set := a.Header.Get("Set-Cookie")
	for _, want := range []string{"ringback=", "Path=/", "HttpOnly", "SameSite=Lax"} {
		assert.Contains(t, set, want)
	}
	cookie := cookie(s)
	require.NotNil(t, cookie)
	assert.Zero(t, s.Count(`SELECT count(*) FROM sessions WHERE token = $1`, cookie.Value), "the database holds the hash of the token only")
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM sessions`))

	for _, path := range pages[:len(pages)-1] {
		assert.Equal(t, http.StatusOK, s.Page(path).StatusCode, path)
	}
	assert.Equal(t, "/jobs/", s.Page("/jobs").Header.Get("Location"))
	assert.Equal(t, "/carts", s.Page("/login?next=/carts").Header.Get("Location"), "who is in needs no login")
	webtest.IsProblem(t, s.Send(http.MethodGet, "/api/v1/carts", nil), http.StatusUnauthorized)

	a = s.Form("/logout", nil)
	assert.Equal(t, http.StatusSeeOther, a.StatusCode)
	assert.Equal(t, http.StatusSeeOther, s.Page("/carts").StatusCode)
	assert.Zero(t, s.Count(`SELECT count(*) FROM sessions`))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/carts", nil)
	require.NoError(t, err)
	request.AddCookie(cookie)
	assert.Equal(t, http.StatusSeeOther, s.Do(request).StatusCode, "the old cookie is worth nothing")
}

// tries sends a password from an address behind our proxy; cookies are those of the request alone.
func tries(s *webtest.Site, password, address string, cookies ...*http.Cookie) webtest.Answer {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.T.Context(), http.MethodPost, s.URL+"/login",
		strings.NewReader(url.Values{"password": {password}}.Encode()))
	require.NoError(s.T, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Forwarded-For", address)
	for _, c := range cookies {
		request.AddCookie(c)
	}
	return s.Do(request)
}

// loginCookie is the cookie that identifies a browser that logged in.
func loginCookie(t *testing.T, a webtest.Answer) *http.Cookie {
	t.Helper()
	require.Equal(t, http.StatusSeeOther, a.StatusCode)
	for _, c := range a.Cookies() {
		if strings.Contains(c.Name, "ringback-known") {
			return c
		}
	}
	t.Fatal("no cookie")
	return nil
}

// strangersGuess uses up the common limit of all strangers.
func strangersGuess(s *webtest.Site) {
	s.T.Helper()
	for i := range 150 {
		a := tries(s, "guess", fmt.Sprintf("198.51.100.%d", i/5))
		require.Contains(s.T, []int{http.StatusUnauthorized, http.StatusTooManyRequests}, a.StatusCode)
	}
	require.Equal(s.T, http.StatusTooManyRequests, tries(s, "guess", "198.51.100.200").StatusCode, "the common bound holds")
}

// A session that somebody planted in the browser before the login does not become logged in.
func TestLogin_GetsTokenOfItsOwn(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
	s.LogIn(webtest.Password)
	first := cookie(s)
	require.NotNil(t, first)
	assert.Equal(t, http.StatusSeeOther, s.LogIn(webtest.Password).StatusCode)
	assert.NotEqual(t, first.Value, cookie(s).Value)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/carts", nil)
	require.NoError(t, err)
	s.Client.Jar = nil
	request.AddCookie(first)
	assert.Equal(t, http.StatusSeeOther, s.Do(request).StatusCode)
}

func TestLogin_NewPasswordEndsAll(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
	s.LogIn(webtest.Password)
	assert.Equal(t, http.StatusOK, s.Page("/carts").StatusCode)

	cookie := cookie(s)
	changed := *s.Config
	changed.Security.DashboardPassword = "another password"
	s.Serve(web.Options{Engine: s.Engine, DB: s.DB, Config: &changed, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/carts", nil)
	require.NoError(t, err)
	request.AddCookie(cookie)
	assert.Equal(t, http.StatusSeeOther, s.Do(request).StatusCode)
}

func TestLogin_CookieIsBoundToHTTPSHost(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword, func(o *web.Options) { o.Config.Server.PublicURL = "https://calls.example.com" })
	set := s.LogIn(webtest.Password).Header.Get("Set-Cookie")
	assert.Contains(t, set, "__Host-ringback=")
	assert.Contains(t, set, "; Secure")
	assert.Contains(t, set, "Path=/;")
	assert.NotContains(t, set, "Domain")
}

func TestLogin_LeadsOnlyToOurPages(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
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
		s.Form("/logout", nil)
		// Each from an address of its own: attempts from one are bounded.
		a := s.Send(http.MethodPost, "/login", strings.NewReader(url.Values{"password": {webtest.Password}, "next": {next}}.Encode()),
			"Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", clients))
		assert.Equal(t, want, a.Header.Get("Location"), next)
	}
}

func TestLogin_GuessingIsBounded(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
	for range 5 {
		assert.Equal(t, http.StatusUnauthorized, s.LogIn("guess").StatusCode)
	}
	a := s.LogIn(webtest.Password)
	assert.Equal(t, http.StatusTooManyRequests, a.StatusCode, "the right one is not told either")
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	a = s.Send(http.MethodPost, "/login", strings.NewReader("password="+url.QueryEscape(webtest.Password)),
		"Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", "203.0.113.9")
	assert.Equal(t, http.StatusSeeOther, a.StatusCode, "others may still log in")
	assert.NotContains(t, s.Log.String(), "guess\"")
	assert.NotContains(t, s.Log.String(), webtest.Password)
}

func TestLogin_StrangersDoNotKeepOutWhoLoggedInBefore(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
	s.Client.Jar = nil
	known := loginCookie(t, tries(s, webtest.Password, "203.0.113.1"))
	assert.Equal(t, http.StatusSeeOther, tries(s, webtest.Password, "2001:db8:1:2::1").StatusCode)
	strangersGuess(s)

	assert.Equal(t, http.StatusTooManyRequests, tries(s, webtest.Password, "203.0.113.99").StatusCode, "nothing is told to strangers")
	for range 20 {
		assert.Equal(t, http.StatusSeeOther, tries(s, webtest.Password, "203.0.113.1").StatusCode, "the address of an earlier login")
		assert.Equal(t, http.StatusSeeOther, tries(s, webtest.Password, "2001:db8:1:2:ffff::7").StatusCode, "the same network of a client")
		assert.Equal(t, http.StatusSeeOther, tries(s, webtest.Password, "203.0.113.99", known).StatusCode, "the browser of an earlier login")
	}
	assert.Equal(t, http.StatusTooManyRequests, tries(s, webtest.Password, "2001:db8:1:3::1").StatusCode, "another network")

	// Neither a share of its own nor the password alone is a way around the other bounds.
	forged := *known
	forged.Value = known.Value[:len(known.Value)-1] + "!"
	assert.Equal(t, http.StatusTooManyRequests, tries(s, webtest.Password, "203.0.113.98", &forged).StatusCode)
	later := strings.Split(known.Value, "|")
	later[1] = "9999999999"
	forged.Value = strings.Join(later, "|")
	assert.Equal(t, http.StatusTooManyRequests, tries(s, webtest.Password, "203.0.113.98", &forged).StatusCode)
}

func TestLogin_TheBrowsersCookieOutlivesTheServerButNotThePassword(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
	s.Client.Jar = nil
	known := loginCookie(t, tries(s, webtest.Password, "203.0.113.1"))
	assert.True(t, known.HttpOnly)
	assert.Equal(t, "/login", known.Path)
	assert.NotContains(t, known.Value, "203.0.113.1")

	again := func(change func(*web.Options)) {
		changed := *s.Config
		o := web.Options{Engine: s.Engine, DB: s.DB, Config: &changed, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)}
		change(&o)
		s.Serve(o)
		s.Client.Jar = nil
		strangersGuess(s)
	}
	again(func(*web.Options) {})
	assert.Equal(t, http.StatusSeeOther, tries(s, webtest.Password, "203.0.113.99", known).StatusCode)
	again(func(o *web.Options) { o.Config.Security.DashboardPassword = "another password" })
	assert.Equal(t, http.StatusTooManyRequests, tries(s, "another password", "203.0.113.99", known).StatusCode)
}

// A known client that guesses is slowed down. Its right password is accepted all the same.
func TestLogin_KnownClientsGuessSlowly(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
	s.Client.Jar = nil
	known := loginCookie(t, tries(s, webtest.Password, "203.0.113.1"))
	for range 5 {
		assert.Equal(t, http.StatusUnauthorized, tries(s, "guess", "203.0.113.1").StatusCode)
	}
	started := time.Now()
	for range 3 {
		assert.Equal(t, http.StatusTooManyRequests, tries(s, "guess", "203.0.113.1").StatusCode)
	}
	assert.Equal(t, http.StatusSeeOther, tries(s, webtest.Password, "203.0.113.1").StatusCode)
	assert.GreaterOrEqual(t, time.Since(started), 2500*time.Millisecond, "a pause follows each wrong password")
	assert.Equal(t, http.StatusSeeOther, tries(s, webtest.Password, "203.0.113.1", known).StatusCode, "the browser has a share besides the address's")
	assert.Equal(t, http.StatusUnauthorized, tries(s, "guess", "203.0.113.1", known).StatusCode)
}

func TestLogin_RightPasswordsDoNotUseUpTheBounds(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
	s.Client.Jar = nil
	for i := range 120 {
		require.Equal(t, http.StatusSeeOther, tries(s, webtest.Password, fmt.Sprintf("203.0.113.%d", i)).StatusCode)
	}
	assert.Equal(t, http.StatusUnauthorized, tries(s, "guess", "198.51.100.1").StatusCode)
}

func TestLogin_OneClientsIPv6AddressesCountAsOne(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
	s.Client.Jar = nil
	for i := range 5 {
		assert.Equal(t, http.StatusUnauthorized, tries(s, "guess", fmt.Sprintf("2001:db8::%d", i+1)).StatusCode)
	}
	assert.Equal(t, http.StatusTooManyRequests, tries(s, webtest.Password, "2001:db8::1:2:3:4").StatusCode)
	assert.Equal(t, http.StatusUnauthorized, tries(s, "guess", "::ffff:198.51.100.1").StatusCode)
	for range 4 {
		assert.Equal(t, http.StatusUnauthorized, tries(s, "guess", "198.51.100.1").StatusCode)
	}
	assert.Equal(t, http.StatusTooManyRequests, tries(s, "guess", "198.51.100.1").StatusCode, "mapped or not, it is one address")
}
