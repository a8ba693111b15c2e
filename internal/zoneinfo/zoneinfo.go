// Package zoneinfo embeds time zone data, so that calling hours do not depend on how old the machine's files are. It
// does no I/O.
//
// zoneinfo.zip is made by scripts/update-tzdata.sh from the compiled files of Debian's tzdata package, which are
// built from IANA's time zone database (https://www.iana.org/time-zones). The data is in the public domain; see
// LICENSE.
package zoneinfo

import (
	"archive/zip"
	"bytes"
	_ "embed" // the data below
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

//go:embed zoneinfo.zip
var archive []byte

// versionText names the release, then its day: "2026f 2026-10-27".
//
//go:embed VERSION
var versionText string

// MaxAge is the age after which the data should be updated. Governments announce changes a few months ahead.
const MaxAge = 365 * 24 * time.Hour

// Version is the release of the time zone database, such as "2026f".
func Version() string {
	version, _, _ := strings.Cut(strings.TrimSpace(versionText), " ")
	return version
}

// Released is the day on which this version of the time zone database was released.
func Released() time.Time {
	_, day, _ := strings.Cut(strings.TrimSpace(versionText), " ")
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}
	}
	return at
}

// Warning says that the data is older than MaxAge at now; "" when it is not.
func Warning(now time.Time) string {
	if now.Sub(Released()) <= MaxAge {
		return ""
	}
	return fmt.Sprintf("the time zone data (%s, released on %s) is more than a year old: calling hours may be "+
		"wrong where clocks changed since; update Ringback, or run make update/tzdata and build it anew",
		Version(), Released().Format(time.DateOnly))
}

// files finds the archive's files by the names of their zones.
var files = sync.OnceValues(func() (map[string]*zip.File, error) {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("read the embedded time zone data: %w", err)
	}
	found := make(map[string]*zip.File, len(r.File))
	for _, f := range r.File {
		found[f.Name] = f
	}
	return found, nil
})

// loaded caches the results of Load by name.
var loaded sync.Map

// ErrUnknown: the time zone database has no zone of this name.
var ErrUnknown = errors.New("unknown time zone")

// Load returns the zone with an IANA name, such as "Asia/Kolkata". "UTC" gives time.UTC. The errors wrap ErrUnknown.
func Load(name string) (*time.Location, error) {
	if name == "UTC" {
		return time.UTC, nil
	}
	if known, ok := loaded.Load(name); ok {
		return known.(*time.Location), nil
	}
	all, err := files()
	if err != nil {
		return nil, err
	}
	file, ok := all[name]
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknown, name)
	}
	location, err := read(name, file)
	if err != nil {
		return nil, fmt.Errorf("read the time zone %s: %w", name, err)
	}
	kept, _ := loaded.LoadOrStore(name, location)
	return kept.(*time.Location), nil
}

func read(name string, file *zip.File) (*time.Location, error) {
	content, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(name, data)
}
