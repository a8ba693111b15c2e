package program

import (
	"fmt"
	"io"
	"time"
)

// How often progress is told: the terminal's line is written over, others pile up.
const (
	terminalEvery = 500 * time.Millisecond
	plainEvery    = 5 * time.Second
)

// progress tells how far a long run is. A run that is over before the first word is due says nothing.
type progress struct {
	out      io.Writer
	terminal bool
	every    time.Duration
	clock    func() time.Time
	begun    time.Time
	told     time.Time
}

func newProgress(out io.Writer, terminal bool, clock func() time.Time) *progress {
	p := &progress{out: out, terminal: terminal, every: plainEvery, clock: clock, begun: clock()}
	if terminal {
		p.every = terminalEvery
	}
	p.told = p.begun
	return p
}

func (p *progress) tell(read int) {
	now := p.clock()
	if now.Sub(p.told) < p.every {
		return
	}
	p.told = now
	begin, end := "", "\n"
	if p.terminal {
		// Back to the start of the line, and erase it.
		begin, end = "\r\x1b[K", ""
	}
	rate := float64(read) / now.Sub(p.begun).Seconds()
	fmt.Fprintf(p.out, "%s%d carts read, %.0f a second%s", begin, read, rate, end)
}

// end leaves the terminal's line to what is written next.
func (p *progress) end() {
	if p.terminal && p.told.After(p.begun) {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
