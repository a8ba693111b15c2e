package session

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/web/guard"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// The cookie that identifies a browser that logged in before. It opens nothing: whoever has it must still know the
// password.
const (
	knownCookie = "ringback-known"
	knownPath   = route.Login
	knownLife   = 180 * 24 * time.Hour
)

func (s *Sessions) knownCookieName() string {
	if s.manager.Cookie.Secure {
		return "__Secure-" + knownCookie
	}
	return knownCookie
}

// remember records that a client knew the password, in memory and in its browser.
func (s *Sessions) remember(c echo.Context, who client) {
	now := s.db.Now()
	s.attempts.remember(who, now)
	id := who.browser
	if id == "" {
		id = uuid.NewString()
	}
	stamp := strconv.FormatInt(now.Add(knownLife).Unix(), 10)
	cookie := &http.Cookie{
		Name: s.knownCookieName(), Value: strings.Join([]string{id, stamp, s.sealKnown(id, stamp)}, "|"),
		Path: knownPath, MaxAge: int(knownLife.Seconds()),
		HttpOnly: true, Secure: s.manager.Cookie.Secure, SameSite: http.SameSiteLaxMode,
	}
	// It comes after the session's own cookie.
	c.Response().Before(func() { c.SetCookie(cookie) })
}

// sealKnown signs the cookie. The proof of the password is part of it: a new password makes strangers of all browsers.
func (s *Sessions) sealKnown(id, stamp string) string {
	return s.db.Token(strings.Join([]string{"known browser", s.proof, id, stamp}, "|"))
}

// knownBrowser is the id in a valid cookie of an earlier login; empty without one.
func (s *Sessions) knownBrowser(r *http.Request) string {
	for _, cookie := range r.CookiesNamed(s.knownCookieName()) {
		parts := strings.Split(cookie.Value, "|")
		if len(parts) != 3 {
			continue
		}
		id, stamp, mark := parts[0], parts[1], parts[2]
		ends, err := strconv.ParseInt(stamp, 10, 64)
		if err == nil && guard.Same(secret.Secret(s.sealKnown(id, stamp)), mark) && s.db.Now().Unix() <= ends {
			return id
		}
	}
	return ""
}
