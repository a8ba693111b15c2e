package simvoice

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"ringback/internal/voice/contract"
)

// maxBody bounds a request, in bytes.
const maxBody = 1 << 20

// Close stops every call and delivery and waits until nothing is left running.
type Server struct {
	opts Options
	doc  *contract.Document
	// onboarding is the part of the API that comes before the first call.
	onboarding *contract.Document
	mux        *http.ServeMux

	// client sends callbacks; own is its transport when it is ours to close.
	client *http.Client
	own    *http.Transport

	ctx    context.Context
	cancel context.CancelFunc
	// living counts the calls and deliveries under way.
	living sync.WaitGroup

	mu      sync.Mutex
	calls   []*call
	byID    map[string]*call
	phones  map[string]int
	refused []string
	tally   tally
	// workspace is true once the workspace was made, assistants are those made in it.
	workspace  bool
	assistants []map[string]any
	// changed is closed and replaced whenever a call or delivery ends.
	changed chan struct{}
	busy    int
	closed  bool
}

// New makes a simulated provider.
func New(opts Options) (*Server, error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	doc, err := contract.Load("mirai")
	if err != nil {
		return nil, err
	}
	onboarding, err := contract.Load("miraionboarding")
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, doc: doc, onboarding: onboarding, client: opts.Client, byID: map[string]*call{},
		phones: map[string]int{}, changed: make(chan struct{}),
	}
	if s.client == nil {
		s.own = &http.Transport{MaxIdleConnsPerHost: 16}
		s.client = &http.Client{Transport: s.own, Timeout: 10 * time.Second}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /v2/call/initiate", s.initiate)
	s.mux.HandleFunc("POST /v2/call/abort", s.abort)
	s.mux.HandleFunc("PUT /v2/call/{callId}", s.update)
	s.administer()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close ends every call and delivery where it stands and waits until nothing is left running.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.living.Wait()
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}

// Idle waits until no call lives and no event is left to send.
func (s *Server) Idle(ctx context.Context) error {
	for {
		s.mu.Lock()
		busy, changed := s.busy, s.changed
		s.mu.Unlock()
		if busy == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d calls or deliveries are still under way: %w", busy, ctx.Err())
		}
	}
}

// spawn runs f, and Close waits for it; it returns false when the server is closed.
func (s *Server) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.living.Add(1)
	s.busy++
	go func() {
		defer s.living.Done()
		f()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy--
		close(s.changed)
		s.changed = make(chan struct{})
	}()
	return true
}

// admit reads a request and checks its keys, headers and body. When something is wrong, it answers and returns false.
// inWorkspace says whether the request belongs to the workspace.
func (s *Server) admit(
	w http.ResponseWriter, r *http.Request, doc *contract.Document, inWorkspace bool,
) (body []byte, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.refuse(w, http.StatusRequestEntityTooLarge, "the body is too large")
		return nil, false
	}
	for _, key := range []struct{ header, want string }{
		{"x-public-key", s.opts.PublicKey}, {"x-private-key", s.opts.PrivateKey.Reveal()},
		{"workspace", s.opts.Workspace},
	} {
		if key.header == "workspace" && !inWorkspace {
			continue
		}
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(key.header)), []byte(key.want)) != 1 {
			s.refuse(w, http.StatusUnauthorized, "Unauthorized: "+key.header)
			return nil, false
		}
	}
	if err := doc.Request(r, body); err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return nil, false
	}
	return body, true
}

// refuse answers with an error, and remembers it.
func (s *Server) refuse(w http.ResponseWriter, status int, message string) {
	s.mu.Lock()
	s.refused = append(s.refused, strconv.Itoa(status)+" "+message)
	s.mu.Unlock()
	reply(w, status, map[string]any{"code": status, "message": message})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// request is the body of an initiation, as far as the simulation looks at it.
type request struct {
	PhoneNumber string          `json:"phoneNumber"`
	Assistant   string          `json:"assistant"`
	Payload     json.RawMessage `json:"payload"`
	CallbackURL string          `json:"callbackUrl"`
	Priority    bool            `json:"priority"`
	Metadata    json.RawMessage `json:"metadata"`
}

func (s *Server) initiate(w http.ResponseWriter, r *http.Request) {
	body, ok := s.admit(w, r, s.doc, true)
	if !ok {
		return
	}
	var req request
	if err := json.Unmarshal(body, &req); err != nil {
		s.refuse(w, http.StatusBadRequest, "the body cannot be read")
		return
	}
	if req.Assistant != s.opts.Assistant {
		s.refuse(w, http.StatusNotFound, "Assistant not found")
		return
	}
	if err := s.checkPayload(req.Payload); err != nil {
		s.refuse(w, http.StatusBadRequest, "payload: "+err.Error())
		return
	}
	if err := checkCallback(req.CallbackURL); err != nil {
		s.refuse(w, http.StatusBadRequest, "callbackUrl: "+err.Error())
		return
	}
	order := Order{}
	_ = json.Unmarshal(req.Metadata, &order)
	order.Phone, order.Priority, order.Payload = req.PhoneNumber, req.Priority, req.Payload
	s.mu.Lock()
	s.phones[order.Phone]++
	order.Nth = s.phones[order.Phone]
	s.mu.Unlock()
	s.place(w, r, order, req, s.opts.Script(order))
}

// place answers a valid request as the script says.
func (s *Server) place(w http.ResponseWriter, r *http.Request, order Order, req request, b Behaviour) {
	switch b.Placement {
	case Answer:
		if b.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(b.RetryAfter))
		}
		reply(w, b.Status, map[string]any{"status_code": b.Status, "message": http.StatusText(b.Status)})
		return
	case Hang:
		s.untilGone(r)
		return
	case Drop:
		panic(http.ErrAbortHandler)
	case Accept, Lose, HangAndTake, Garble:
	}
	c := s.take(order, req, b)
	if c == nil {
		reply(w, http.StatusServiceUnavailable, map[string]any{"message": "shutting down"})
		return
	}
	switch b.Placement {
	case Lose:
		panic(http.ErrAbortHandler)
	case HangAndTake:
		s.untilGone(r)
	case Garble:
		_, _ = io.WriteString(w, "<html>queued</html>")
	case Accept, Answer, Hang, Drop:
		reply(w, http.StatusOK, map[string]any{"callId": c.id, "status": "initiate"})
	}
}

// untilGone waits until the client has given up, or the server ends.
func (s *Server) untilGone(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	panic(http.ErrAbortHandler)
}

// checkPayload holds the payload to the schema of the assistant's variant.
func (s *Server) checkPayload(payload json.RawMessage) error {
	name := "AbandonedCartPayload"
	if s.opts.Custom {
		name = "CustomPayload"
	}
	return s.doc.Schema(name, bytes.TrimSpace(payload))
}

// checkCallback requires https, except for a loopback host.
func checkCallback(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return fmt.Errorf("not an absolute URL")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("must be https")
	}
	return nil
}

// take starts the call of a valid request; nil when the server is closed.
func (s *Server) take(order Order, req request, b Behaviour) *call {
	s.mu.Lock()
	n := len(s.calls) + 1
	c := &call{
		server: s, id: fmt.Sprintf("sim-%06d", n), order: order, behaviour: b,
		callback: req.CallbackURL, metadata: req.Metadata, stop: make(chan struct{}), taken: time.Now(),
		chance: rand.New(rand.NewPCG(s.opts.Seed, seedOf(order.Phone, order.Nth))),
	}
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.calls = append(s.calls, c)
	s.byID[c.id] = c
	s.tally.enter(c, time.Now(), s.opts.Lines)
	s.mu.Unlock()
	if !s.spawn(c.live) {
		return nil
	}
	return c
}

// seedOf derives the seed of a call from its customer, so that it does not depend on the order in which calls arrive.
func seedOf(phone string, nth int) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, phone+"/"+strconv.Itoa(nth))
	return h.Sum64()
}

func (s *Server) abort(w http.ResponseWriter, r *http.Request) {
	body, ok := s.admit(w, r, s.doc, true)
	if !ok {
		return
	}
	var req struct {
		CallID string `json:"callId"`
	}
	_ = json.Unmarshal(body, &req)
	s.mu.Lock()
	c := s.byID[req.CallID]
	s.mu.Unlock()
	if c == nil {
		reply(w, http.StatusNotFound, map[string]any{"code": 404, "message": "Call not found"})
		return
	}
	if status, ok := c.abort(); !ok {
		reply(w, http.StatusBadRequest, map[string]any{"code": 400, "message": "Call already " + status})
		return
	}
	reply(w, http.StatusOK, map[string]any{"message": "Call aborted successfully"})
}

func (s *Server) update(w http.ResponseWriter, r *http.Request) {
	body, ok := s.admit(w, r, s.doc, true)
	if !ok {
		return
	}
	var req struct {
		Payload json.RawMessage `json:"payload"`
	}
	_ = json.Unmarshal(body, &req)
	s.mu.Lock()
	c := s.byID[r.PathValue("callId")]
	s.mu.Unlock()
	if c == nil {
		reply(w, http.StatusNotFound, map[string]any{"code": 404, "message": "Call not found."})
		return
	}
	if err := s.checkPayload(req.Payload); err != nil {
		s.refuse(w, http.StatusBadRequest, "payload: "+err.Error())
		return
	}
	if !c.replace(req.Payload) {
		reply(w, http.StatusBadRequest, map[string]any{"code": 400, "message": "Call already in progress or completed"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"status_code": 200, "message": "Call payload updated successfully."})
}
