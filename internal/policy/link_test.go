package policy

import (
	"net/url"
	"testing"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLink_SetsCodeAndCampaign(t *testing.T) {
	t.Parallel()
	code := &cart.Offer{Code: "COMEBACK10"}
	utm := UTM{Source: "ringback", Medium: "voice", Campaign: "carts & more"}
	for _, c := range []struct {
		name  string
		raw   string
		offer *cart.Offer
		utm   UTM
		want  string
	}{
		{"nothing to add", "https://a.example/recover?key=1", nil, UTM{}, "https://a.example/recover?key=1"},
		{"an offer without a code", "https://a.example/recover?key=1", &cart.Offer{}, UTM{},
			"https://a.example/recover?key=1"},
		{"a code", "https://a.example/1/checkouts/ac/x/recover?key=abc%3D&locale=en-IN", code, UTM{},
			"https://a.example/1/checkouts/ac/x/recover?key=abc%3D&locale=en-IN&discount=COMEBACK10"},
		{"without a query", "https://a.example/recover", code, UTM{}, "https://a.example/recover?discount=COMEBACK10"},
		{"with an empty query", "https://a.example/recover?", code, UTM{}, "https://a.example/recover?discount=COMEBACK10"},
		{"UTM values", "https://a.example/recover?key=1", code, utm,
			"https://a.example/recover?key=1&discount=COMEBACK10&utm_source=ringback&utm_medium=voice&utm_campaign=carts+%26+more"},
		{"in place of older ones", "https://a.example/recover?discount=OLD&key=1&utm_source=mail&utm_term=x", code, utm,
			"https://a.example/recover?key=1&utm_term=x&discount=COMEBACK10&utm_source=ringback&utm_medium=voice&utm_campaign=carts+%26+more"},
		{"in place of one written oddly", "https://a.example/recover?dis%63ount=OLD&key=1", code, UTM{},
			"https://a.example/recover?key=1&discount=COMEBACK10"},
		{"a code that needs escaping", "https://a.example/recover?key=1", &cart.Offer{Code: "10% & more"}, UTM{},
			"https://a.example/recover?key=1&discount=10%25+%26+more"},
		{"before the fragment", "https://a.example/recover?key=1#top", code, UTM{},
			"https://a.example/recover?key=1&discount=COMEBACK10#top"},
		{"empty", "", code, utm, ""},
		{"relative", "/recover?key=1", code, utm, "/recover?key=1"},
		{"another scheme", "javascript:alert(1)", code, utm, "javascript:alert(1)"},
		{"rubbish", "https://%zz/?key=1", code, utm, "https://%zz/?key=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, Link(c.raw, c.offer, c.utm))
		})
	}
}

func FuzzLink(f *testing.F) {
	for _, seed := range []string{"https://a.example/recover?key=1", "https://a.example?discount=X;y=1&&=&a", "",
		"http://", "https://a/?%zz=1#f?g", "//a/b", "https://a/%"} {
		f.Add(seed, "CODE", "src")
	}
	f.Add("https://a.example/?a=%20", "50% off", "a&b=c#d")
	f.Fuzz(func(t *testing.T, raw, code, source string) {
		got := Link(raw, &cart.Offer{Code: code}, UTM{Source: source})
		require.Equal(t, got, Link(got, &cart.Offer{Code: code}, UTM{Source: source}),
			"setting the values again changes nothing")
		if got == raw {
			return
		}
		u, err := url.Parse(got)
		require.NoError(t, err)
		before, err := url.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, before.Host, u.Host)
		require.Equal(t, before.EscapedPath(), u.EscapedPath())
		require.Equal(t, before.Fragment, u.Fragment)
		if code != "" {
			require.Equal(t, []string{code}, u.Query()["discount"])
		}
		if source != "" {
			require.Equal(t, []string{source}, u.Query()["utm_source"])
		}
		for name, values := range before.Query() {
			if name != "discount" && name != "utm_source" {
				require.Equal(t, values, u.Query()[name])
			}
		}
	})
}
