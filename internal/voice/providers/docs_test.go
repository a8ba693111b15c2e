package providers_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/providers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the tables of docs/providers.md")

// TestDocs_TablesFollowTheProviders holds docs/providers.md to what the providers say of themselves.
func TestDocs_TablesFollowTheProviders(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../../docs/providers.md", "<!-- tables -->\n", "<!-- end of tables -->\n"
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	_, after, found := strings.Cut(rest, end)
	require.True(t, found)
	want := before + begin + tables(providers.All()) + end + after
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o600))
		return
	}
	assert.Equal(t, want, string(text), "write the tables with: go test ./internal/voice/providers -update")
}

func tables(all []voice.Descriptor) string {
	var b strings.Builder
	b.WriteString("\n| `voice.provider` | service | Ringback can | callbacks | calls at once | `ringback onboard` |\n")
	b.WriteString("|---|---|---|---|---|---|\n")
	for _, d := range all {
		lines := "no documented limit"
		if d.Lines > 0 {
			lines = fmt.Sprint("at most ", d.Lines)
		}
		onboards := "yes"
		if d.Onboard == nil {
			onboards = "no: " + d.NoOnboarding
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", d.Name, d.Title, can(d.Abilities), callbacks(d.Abilities), lines, onboards)
	}
	b.WriteString("\n| key under `voice` | provider | required | what it is |\n|---|---|---|---|\n")
	for _, d := range all {
		for _, key := range d.Keys {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", key.Name, d.Name, required(key), key.What)
		}
	}
	return b.String() + "\n"
}

func can(a voice.Abilities) string {
	list := []string{"place calls"}
	if a.CanAbort {
		list = append(list, "abort them")
	}
	if a.CanUpdate {
		list = append(list, "update queued ones")
	}
	if a.OwnRetries {
		list = append(list, "leave redialling to it")
	}
	return strings.Join(list, ", ")
}

func callbacks(a voice.Abilities) string {
	list := []string{"one address for the assistant", "unsigned"}
	if a.CallbackPerCall {
		list[0] = "an address for each call"
	}
	if a.Signs {
		list[1] = "signed"
	}
	return strings.Join(list, ", ")
}

func required(key config.Key) string {
	switch {
	case !key.Required:
		return "no"
	case key.Onboarded:
		return "yes; `ringback onboard` makes it"
	case key.Or != "":
		return "yes, or `" + key.Or + "`"
	}
	return "yes"
}
