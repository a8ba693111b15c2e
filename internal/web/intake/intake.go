// Package intake receives what other systems send: webhooks of Shopify and callbacks of voice APIs. A message is
// answered with 200 once it is stored. When it cannot be stored now, the answer is 503 and the sender sends it again.
package intake

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/route"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"

	"github.com/labstack/echo/v4"
)

// Options is what an intake is made of. All of it is needed.
type Options struct {
	Engine *engine.Engine
	Config *config.Config
	// NoteWebhook records that a shop's webhooks arrive.
	NoteWebhook func(ctx context.Context, shop string) error
	Logger      *slog.Logger
}

// Intake answers webhooks and callbacks. It is safe for concurrent use.
type Intake struct {
	engine *engine.Engine
	config *config.Config
	log    *slog.Logger
	memory *memory
	noted  *noted

	refused *refused
}

// New makes an intake.
func New(o Options) *Intake {
	return &Intake{
		engine: o.Engine, config: o.Config, log: o.Logger, memory: newMemory(),
		noted:   &noted{note: o.NoteWebhook, last: map[string]time.Time{}},
		refused: &refused{shops: map[string]*refusals{}},
	}
}

// Route adds the addresses that the intake answers.
func (i *Intake) Route(e *echo.Echo) {
	e.POST(route.ShopifyWebhooks, i.webhook)
	e.POST(route.VoiceCallbacks, i.callback)
}

// storeWithin bounds how long the storing of one message may take.
const storeWithin = 20 * time.Second

// storing is the context in which a message is stored. It outlives the connection: some senders hang up without
// waiting for the answer and never send the message again.
func storing(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), storeWithin)
}

// readBody reads a message's body, up to limit bytes, and writes what it reads to sum as well. The caller releases
// the body. A body that breaks off, arrives too slowly or finds no memory is asked for again: its signature is not
// known yet.
func (i *Intake) readBody(c echo.Context, limit int64, sum io.Writer) (*body, error) {
	r := c.Request()
	if r.ContentLength > limit {
		return nil, problem.OfStatus(http.StatusRequestEntityTooLarge)
	}
	b := i.memory.begin(c.Response(), c.RealIP())
	err := b.readAll(http.MaxBytesReader(c.Response(), r.Body, limit), sum)
	if err == nil && b.complete() {
		return b, nil
	}
	b.abandon()
	b.release()
	// The rest of the body is not waited for.
	c.Response().Header().Set("Connection", "close")
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, err
	}
	return nil, SendAgain(c)
}

// notStored logs why a message was not stored and asks for it again.
func (i *Intake) notStored(c echo.Context, message string, err error) error {
	i.log.ErrorContext(c.Request().Context(), message, "error", err, "request_id", request.ID(c))
	return SendAgain(c)
}

// retryAfter is when a message that was not stored should be sent again, in seconds.
const retryAfter = "30"

// SendAgain is the answer to a message that could not be stored, through no fault of the sender.
func SendAgain(c echo.Context) *problem.Error {
	c.Response().Header().Set("Retry-After", retryAfter)
	return problem.New(http.StatusServiceUnavailable, "not-kept", "Service Unavailable",
		"This could not be kept just now; send it again.")
}
