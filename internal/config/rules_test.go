package config

import (
	"os"
	"testing"
	"time"

	"ringback/internal/loopback"
	"ringback/internal/wording"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "3d": 72 * time.Hour, "1d12h": 36 * time.Hour, "0d": 0, "1.5h": 90 * time.Minute,
	} {
		got, err := parseDuration(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"45": "write 45s, 45m, 45h or 45d", "2 days": "is not a duration", "d": "is not a duration", "1w": "is not a duration",
		"-1h": "negative", "1d-1h": "negative", "99999999999999999999d": "too long", "1d5": "has no unit", "1.5d": "is not a duration",
	} {
		_, err := parseDuration(text)
		assert.ErrorContains(t, err, want, text)
	}
}

func TestParseDuration_ReadsWhatWordingWrites(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{0: "0s", time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", 100 * time.Millisecond: "100ms", 10 * time.Minute: "10m"} {
		assert.Equal(t, want, wording.Duration(d))
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(maxDays)*24*int64(time.Hour)).Draw(t, "d"))
		back, err := parseDuration(wording.Duration(d))
		require.NoError(t, err)
		assert.Equal(t, d, back)
	})
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"delay", "expires_after", "consent", "timezone"}
	for word, want := range map[string]string{
		"dealy": "delay", "Delay": "delay", "expiresAfter": "expires_after", "expires-after": "expires_after",
		"timezon": "timezone", "consnet": "consent", "x": "", "": "", "holiday": "",
	} {
		assert.Equal(t, want, nearest(word, known), word)
	}
}

func TestDistance_IsAMetric(t *testing.T) {
	t.Parallel()
	words := rapid.StringMatching(`[abc]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := words.Draw(t, "a"), words.Draw(t, "b")
		assert.Equal(t, distance(a, b), distance(b, a))
		assert.Equal(t, a == b, distance(a, b) == 0)
		assert.LessOrEqual(t, distance(a, b), max(len(a), len(b)))
		assert.GreaterOrEqual(t, distance(a, b), max(len(a), len(b))-min(len(a), len(b)))
	})
}

func TestWebURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://calls.example.com":        "https://calls.example.com",
		"https://calls.example.com/":       "https://calls.example.com",
		"https://calls.example.com/a/b/":   "https://calls.example.com/a/b",
		"https://calls.example.com:8443":   "https://calls.example.com:8443",
		"http://127.0.0.1:8080":            "http://127.0.0.1:8080",
		"http://[::1]:8080/":               "http://[::1]:8080",
		"http://localhost":                 "http://localhost",
		"http://shop.localhost:1":          "http://shop.localhost:1",
		"http://127.9.9.9":                 "http://127.9.9.9",
		"http://[::ffff:127.0.0.1]":        "http://[::ffff:127.0.0.1]",
		"HTTPS://calls.example.com/a%20b/": "HTTPS://calls.example.com/a%20b",
	} {
		got, problem := webURL(address)
		assert.Empty(t, problem, address)
		assert.Equal(t, want, got)
	}
	for _, address := range []string{
		"calls.example.com", "//calls.example.com", "https:calls", "https://", "ftp://example.com", "http://example.com", "http://10.0.0.1",
		"http://localhost.example.com", "https://u@example.com", "https://example.com?a", "https://example.com?", "https://example.com/#x",
		"https://example.com:0", "https://example.com:70000", "https://exa mple.com", "http://127.0.0.1.example.com",
	} {
		_, problem := webURL(address)
		assert.NotEmpty(t, problem, address)
	}
}

func TestListenHost(t *testing.T) {
	t.Parallel()
	for listen, isLoopback := range map[string]bool{
		"127.0.0.1:8080": true, "[::1]:0": true, "localhost:80": true, ":8080": false, "0.0.0.0:1": false, "[::]:1": false, "10.1.2.3:65535": false, "web:80": false,
	} {
		host, problem := listenHost(listen)
		assert.Empty(t, problem, listen)
		assert.Equal(t, isLoopback, loopback.Host(host), listen)
	}
	for _, listen := range []string{"", "8080", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:-1", "127.0.0.1:65536", "::1:80", "http://127.0.0.1:80"} {
		_, problem := listenHost(listen)
		assert.NotEmpty(t, problem, listen)
	}
}

func TestCronProblem(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"*/10 * * * *", "0 3 * * 1-5", "@hourly", "@every 30s", "0 0 29 2 *"} {
		assert.Empty(t, cronProblem(good), good)
	}
	for _, bad := range []string{"", "* * * *", "60 * * * *", "TZ=", "CRON_TZ=Asia/Kolkata * * * * *", "0 0 31 2 *", "@sometimes", "* * * * * *"} {
		assert.NotEmpty(t, cronProblem(bad), bad)
	}
}

func TestStoreProblems(t *testing.T) {
	t.Parallel()
	for _, country := range []string{"IN", "us", "GB", "AE", "XK"} {
		assert.Empty(t, countryProblem(country), country)
	}
	assert.Contains(t, countryProblem("UK"), "write GB")
	for _, country := range []string{"", "EU", "IND", "356", "001", "i"} {
		assert.NotEmpty(t, countryProblem(country), country)
	}
	for _, code := range []string{"INR", "usd", "XCG", "SLE"} {
		assert.Empty(t, currencyProblem(code), code)
	}
	for _, code := range []string{"", "₹", "RS", "ABC", "DOLLARS"} {
		assert.NotEmpty(t, currencyProblem(code), code)
	}
	for _, zone := range []string{"Asia/Kolkata", "UTC", "America/Argentina/Buenos_Aires"} {
		assert.Empty(t, timezoneProblem(zone), zone)
	}
	for _, zone := range []string{"", "Local", "IST+5", "../../etc/passwd", "Asia", "+05:30"} {
		assert.NotEmpty(t, timezoneProblem(zone), zone)
	}
	for _, domain := range []string{"a.myshopify.com", "0-a.myshopify.com"} {
		assert.Empty(t, domainProblem(domain), domain)
	}
	for _, domain := range []string{"", "a", "myshopify.com", ".myshopify.com", "-a.myshopify.com", "a.b.myshopify.com", "a.myshopify.com.evil.com", "a.myshopify.com\n", "xamyshopify.com", "a_b.myshopify.com"} {
		assert.NotEmpty(t, domainProblem(domain), domain)
	}
}

func TestDatabaseProblem(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"", "postgres://u:p@h:5432/d?sslmode=require", "postgresql:///d?host=/var/run/postgresql"} {
		assert.Empty(t, databaseProblem(good), good)
	}
	for _, bad := range []string{"host=h user=u", "mysql://h/d", "postgres:/h", "postgres://u:p%@h/d"} {
		assert.NotEmpty(t, databaseProblem(bad), bad)
	}
}

func TestMerge_KeepsOwnAndFillsFromBase(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, own := drawTree(t, "base"), drawTree(t, "own")
		merged := merge(node(t, base), node(t, own))
		var got any
		require.NoError(t, merged.Decode(&got))
		assert.Equal(t, overlay(base, own), got)
	})
}

// overlay is merge, told by plain Go maps.
func overlay(base, own any) any {
	b, bIsMap := base.(map[string]any)
	o, oIsMap := own.(map[string]any)
	if !bIsMap || !oIsMap {
		return own
	}
	out := map[string]any{}
	for k, v := range b {
		out[k] = v
	}
	for k, v := range o {
		if under, there := b[k]; there {
			v = overlay(under, v)
		}
		out[k] = v
	}
	return out
}

func drawTree(t *rapid.T, label string) any {
	leaf := rapid.Map(rapid.StringMatching(`[a-c]{1,2}`), func(s string) any { return s })
	list := rapid.Map(rapid.SliceOfN(leaf, 0, 2), func(s []any) any { return append([]any{}, s...) })
	tree := leaf
	for range 3 {
		below := tree
		tree = rapid.OneOf(leaf, list, rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-c]`), below, 0, 3), func(m map[string]any) any { return m }))
	}
	return tree.Draw(t, label)
}

func node(t *rapid.T, v any) *yaml.Node {
	text, err := yaml.Marshal(v)
	require.NoError(t, err)
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &document))
	return document.Content[0]
}
