package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// postgresSettings are the settings of Postgres that a report names.
var postgresSettings = []string{"fsync", "synchronous_commit", "shared_buffers", "max_wal_size"}

// describe notes where it is measured.
func (r *run) describe(ctx context.Context) error {
	m := Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(),
		Settings: map[string]string{}, CPU: procValue("/proc/cpuinfo", "model name"),
		MemoryBytes: procBytes("/proc/meminfo", "MemTotal"),
	}
	if err := r.pool.QueryRow(ctx, `SELECT current_setting('server_version')`).Scan(&m.Postgres); err != nil {
		return fmt.Errorf("read the version of Postgres: %w", err)
	}
	// A packager's name may follow.
	m.Postgres, _, _ = strings.Cut(m.Postgres, " ")
	for _, name := range postgresSettings {
		var value string
		if err := r.pool.QueryRow(ctx, `SELECT current_setting($1)`, name).Scan(&value); err != nil {
			return fmt.Errorf("read the settings of Postgres: %w", err)
		}
		m.Settings[name] = value
	}
	r.report.Machine = m
	return nil
}

// memory adds how much memory this process takes and took at most.
func (r *run) memory(context.Context) error {
	const note = "The memory is that of this process: program, load, simulated voice API and the servers beside it."
	for _, row := range []struct{ id, what, name string }{
		{"memory", "memory of the process at the end", "VmRSS"},
		{"memory-peak", "memory of the process at most", "VmHWM"},
	} {
		mb := float64(procBytes("/proc/self/status", row.name)) / 1e6
		if mb == 0 {
			// Not Linux. What Go has taken from the system is near it.
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			mb = float64(s.Sys) / 1e6
		}
		r.report.add(Row{ID: row.id, Group: "Memory and disk", What: row.what, Value: mb, Unit: "MB", Note: note})
	}
	return nil
}

// procValue reads a value from one of Linux's files of names and values; "" when there is none.
func procValue(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// procBytes reads a value in kB as bytes.
func procBytes(path, name string) int64 {
	kb, err := strconv.ParseInt(strings.TrimSuffix(procValue(path, name), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kb * 1024
}
