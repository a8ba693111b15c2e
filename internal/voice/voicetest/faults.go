package voicetest

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringback/internal/voice"
)

// How long a request may take: ample where it must not matter, short where the provider never answers.
const (
	ample = 30 * time.Second
	short = 250 * time.Millisecond
)

// scene is a fault that has been set up, with the address and the network that the client gets.
type scene struct {
	url     string
	lab     *Lab
	network voice.Network
	timeout time.Duration
	ctx     context.Context
	// elsewhere must not be visited.
	elsewhere *Lab
}

// placing sets up every fault of the first table of docs/voice-faults.md.
func placing(success, withoutID string) map[string]func(*testing.T) scene {
	faults := map[string]func(*testing.T) scene{
		"connection refused": func(t *testing.T) scene { return scene{url: closedPort(t)} },
		"name does not resolve": func(t *testing.T) scene {
			return scene{url: "https://voice.example", network: voice.Network{Dial: unresolvable(t)}}
		},
		"certificate not trusted": func(t *testing.T) scene {
			lab := NewTLSLab(t, Answer(200, success))
			return scene{url: lab.URL, lab: lab}
		},
		"reset during the TLS handshake": func(t *testing.T) scene {
			lab := NewLab(t, func(l *Lab, conn net.Conn) {
				_, _ = conn.Read(make([]byte, 16))
				Reset(conn)
			})
			return scene{url: strings.Replace(lab.URL, "http:", "https:", 1), lab: lab}
		},
		"TLS handshake never ends": func(t *testing.T) scene {
			lab := NewLab(t, func(l *Lab, conn net.Conn) { drain(conn) })
			return scene{url: strings.Replace(lab.URL, "http:", "https:", 1), lab: lab, timeout: short}
		},
		"cancelled before the request": func(t *testing.T) scene {
			lab := NewLab(t, Answer(200, success))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return scene{url: lab.URL, lab: lab, ctx: ctx}
		},
		"reset before the request": func(t *testing.T) scene {
			lab := NewLab(t, func(l *Lab, conn net.Conn) { Reset(conn) })
			return scene{url: lab.URL, lab: lab, network: voice.Network{Dial: afterReset}}
		},
		"reset during the request": func(t *testing.T) scene {
			return at(NewLab(t, func(l *Lab, conn net.Conn) { l.ReadSome(conn, 40); Reset(conn) }))
		},
		"reset after the request": func(t *testing.T) scene { return at(NewLab(t, resetAfter)) },
		"closed without an answer": func(t *testing.T) scene {
			return at(NewLab(t, func(l *Lab, conn net.Conn) { l.Read(conn) }))
		},
		"no answer within the timeout": func(t *testing.T) scene {
			s := at(NewLab(t, silent))
			s.timeout = short
			return s
		},
		"answer is not HTTP": func(t *testing.T) scene { return at(NewLab(t, Say("220 mail.example ESMTP\r\n"))) },
		"200 with rubbish":   func(t *testing.T) scene { return at(NewLab(t, Answer(200, "<html>welcome</html>"))) },
		"200 without a body": func(t *testing.T) scene { return at(NewLab(t, Answer(200, ""))) },
		"200 without an id":  func(t *testing.T) scene { return at(NewLab(t, Answer(200, withoutID))) },
		"200 that breaks off": func(t *testing.T) scene {
			return at(NewLab(t, Say("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"+success)))
		},
		"200 without end": func(t *testing.T) scene {
			return at(NewLab(t, Say("HTTP/1.1 200 OK\r\n\r\n"+success+strings.Repeat(" ", 300<<10))))
		},
		"400 about the assistant": func(t *testing.T) scene {
			return at(NewLab(t, Answer(400, `{"code":400,"message":"Invalid assistant"}`)))
		},
		"429 with Retry-After": func(t *testing.T) scene { return at(NewLab(t, throttled)) },
	}
	for _, status := range []int{400, 401, 402, 403, 404, 405, 408, 409, 422, 429, 500, 502, 503, 504} {
		faults[strconv.Itoa(status)] = func(t *testing.T) scene {
			return at(NewLab(t, Answer(status, `{"message":"no"}`)))
		}
	}
	for _, status := range []int{301, 307} {
		faults[strconv.Itoa(status)+" redirect"] = func(t *testing.T) scene { return redirect(t, status, success) }
	}
	return faults
}

// aborting sets up every fault of the second table.
func aborting() map[string]func(*testing.T) scene {
	faults := map[string]func(*testing.T) scene{
		"200": func(t *testing.T) scene {
			return at(NewLab(t, Answer(200, `{"message":"Call aborted"}`)))
		},
		"200 that says no": func(t *testing.T) scene {
			return at(NewLab(t, Answer(200, `{"success":false,"message":"too late"}`)))
		},
		"429 with Retry-After":    func(t *testing.T) scene { return at(NewLab(t, throttled)) },
		"301 redirect":            func(t *testing.T) scene { return redirect(t, 301, `{"message":"ok"}`) },
		"connection refused":      func(t *testing.T) scene { return scene{url: closedPort(t)} },
		"reset after the request": func(t *testing.T) scene { return at(NewLab(t, resetAfter)) },
		"no answer within the timeout": func(t *testing.T) scene {
			s := at(NewLab(t, silent))
			s.timeout = short
			return s
		},
	}
	for _, status := range []int{400, 401, 404, 409, 500, 503} {
		faults[strconv.Itoa(status)] = func(t *testing.T) scene {
			return at(NewLab(t, Answer(status, `{"code":1,"message":"no"}`)))
		}
	}
	return faults
}

func at(lab *Lab) scene { return scene{url: lab.URL, lab: lab} }

func redirect(t *testing.T, status int, success string) scene {
	t.Helper()
	elsewhere := NewLab(t, Answer(200, success))
	s := at(NewLab(t, Answer(status, "", "Location: "+elsewhere.URL)))
	s.elsewhere = elsewhere
	return s
}

func resetAfter(l *Lab, conn net.Conn) {
	l.Read(conn)
	Reset(conn)
}

// silent takes the request and says nothing until the client gives up.
func silent(l *Lab, conn net.Conn) {
	l.Read(conn)
	drain(conn)
}

func throttled(l *Lab, conn net.Conn) {
	Answer(429, `{"message":"slow down"}`, "Retry-After: 120")(l, conn)
}

// drain reads until the other side is gone.
func drain(conn net.Conn) {
	for buf := make([]byte, 4096); ; {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}
