package app

import (
	"os"
	"runtime/debug"
)

// How much memory a long-lived program may use to collect garbage less often. Most of what it allocates lives as long
// as one request, and at thousands of webhooks a second the collector would otherwise take a tenth of the machine.
const (
	garbagePercent = 400
	// memoryTarget is from how many bytes on garbage is collected as often as it takes.
	memoryTarget = 1 << 30
)

// TuneMemory sets how often garbage is collected, unless the environment does (GOGC, GOMEMLIMIT).
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryTarget)
	}
}
