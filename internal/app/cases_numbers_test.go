package app_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// typed is a number as somebody typed it, and the one that is dialled; "" where nobody may be.
type typed struct {
	// store and address are countries; address "" means that the number stands in no address.
	store, address string
	text, want     string
}

// phoneFields are the places of a checkout where a number may stand.
var phoneFields = []string{"phone", "shipping_address", "billing_address", "customer", "sms_marketing_phone", "default_address"}

// with puts a number in a field of a checkout.
func (n typed) in(field string) fields {
	switch field {
	case "shipping_address", "billing_address":
		return fields{field: at(n.address, n.text)}
	case "customer":
		return fields{"customer": fields{"id": 41, "first_name": "Mira", "phone": n.text}}
	case "default_address":
		return fields{"customer": fields{"id": 42, "first_name": "Mira", "default_address": at(n.address, n.text)}}
	}
	return fields{field: n.text}
}

func playsOf(kind string, numbers []typed) []play {
	plays := make([]play, len(numbers))
	for i, n := range numbers {
		field := phoneFields[i%len(phoneFields)]
		if n.address != "" && field != "billing_address" && field != "default_address" {
			field = "shipping_address"
		}
		if n.address == "" && (field == "shipping_address" || field == "billing_address" || field == "default_address") {
			field = "phone"
		}
		plays[i] = play{
			name: fmt.Sprintf("%s %d", kind, i+1), country: n.store,
			act: func(s *stage) {
				s.t.Logf("%q in %s", n.text, field)
				s.leaves("typed", n.in(field))
				if n.want == "" {
					s.never("typed", "watching", "no_phone")
					return
				}
				s.called("typed", n.want)
			},
		}
	}
	return plays
}

func TestCases_MasksAndWordsAroundNumbers(t *testing.T) {
	t.Parallel()
	runPlays(t, playsOf("masked", []typed{
		{"IN", "IN", "90XXXXXX41", ""},
		{"IN", "", "+91 98xxxxxx77", ""},
		{"IN", "IN", "98******27", ""},
		{"IN", "", "9810••••27", ""},
		{"IN", "", "981004XXXX", ""},
		{"IN", "", "98100 4l329", ""},
		{"US", "US", "1-800-FLOWERS", ""},
		{"US", "US", "+1 (415) 73X-4127", ""},
		{"US", "", "415-KETTLES", ""},
		{"DE", "DE", "030 76AB4321", ""},
		{"GB", "GB", "07xxx xxx 412", ""},
		{"DE", "DE", "030 7654321 Erika", "+49307654321"},
		{"DE", "DE", "Oma 0171 4839205", "+491714839205"},
		{"AT", "AT", "+43 1 5871623 Büro", "+4315871623"},
		{"GB", "GB", "Tel. 020 7183 8750", "+442071838750"},
		{"IN", "IN", "98100 41327 घर", "+919810041327"},
		{"FR", "FR", "06 12 97 45 38 (maman)", "+33612974538"},
		{"IN", "", "call 98100 41328", "+919810041328"},
		{"US", "US", "(415) 732-9941 cell", "+14157329941"},
	}))
}

func TestCases_NumbersOfNobodyAndOfEverybody(t *testing.T) {
	t.Parallel()
	plays := playsOf("nobody", []typed{
		{"US", "US", "+1 502-731-2184 x 4411", ""},
		{"US", "", "+1 502 731 2185 ext. 9", ""},
		{"US", "US", "502-731-2187 #321", ""},
		{"US", "", "tel:+1-502-731-2186;ext=77", ""},
		{"GB", "GB", "020 7183 8751 extension 12", ""},
		{"IN", "IN", "8888888888", ""},
		{"IN", "", "+91 77777 77777", ""},
		{"GB", "GB", "07777 777777", ""},
		{"US", "US", "(222) 222-2222", ""},
		{"US", "", "0000000000", ""},
		{"IN", "", "1234567890", ""},
		{"US", "US", "234-567-8901", ""},
		{"US", "US", "415-555-1212", ""},
		{"GB", "GB", "070 5544 3322", ""},
		{"IN", "", "+881 6 3145 2271", ""},
		{"IN", "", "+870 773 145 227", ""},
		{"IN", "", "+882 16 8421 7731", ""},
		{"GB", "GB", "0906 123 4477", ""},
		{"US", "US", "+1 900 731 2184", ""},
		{"DE", "DE", "0900 1 482931", ""},
		{"US", "US", "+1 888 731 2184", ""},
		{"IN", "GB", "070 5544 3323", ""},
		{"IN", "US", "800 731 2184", ""},
		{"DE", "GB", "0906 123 4478", ""},
	})
	const switchboard = "+1 502-731-2199 ext. "
	plays = append(plays,
		play{name: "an extension makes nobody one", country: "US", act: func(s *stage) {
			s.leaves("one", fields{"email": "one@switch.example", "phone": "+14157322101", "shipping_address": at("US", switchboard+"11")})
			s.leaves("two", fields{"email": "two@switch.example", "phone": "+14157322102", "shipping_address": at("US", switchboard+"12")})
			s.buys(fields{"email": "three@switch.example", "shipping_address": at("US", switchboard+"13")})
			s.called("one", "+14157322101")
			s.called("two", "+14157322102")
		}},
		play{name: "a placeholder makes nobody one", act: func(s *stage) {
			s.leaves("one", fields{"email": "one@holder.example", "phone": "+919810052101", "billing_address": at("IN", "6666666666")})
			s.leaves("two", fields{"email": "two@holder.example", "phone": "+919810052102", "billing_address": at("IN", "6666666666")})
			s.buys(fields{"email": "three@holder.example", "phone": "6666666666"})
			s.called("one", "+919810052101")
			s.called("two", "+919810052102")
		}},
		play{name: "a satellite phone makes nobody one", act: func(s *stage) {
			s.leaves("one", fields{"email": "one@sat.example", "phone": "+919810052103", "billing_address": at("IN", "+881631452279")})
			s.buys(fields{"email": "two@sat.example", "phone": "+881631452279"})
			s.called("one", "+919810052103")
		}},
		play{name: "a mask makes nobody one", act: func(s *stage) {
			s.leaves("one", fields{"email": "one@mask.example", "phone": "+919810052104", "billing_address": at("IN", "98XXXXXX21")})
			s.buys(fields{"email": "two@mask.example", "phone": "98XXXXXX21"})
			s.buys(fields{"email": "three@mask.example", "phone": "+919899999921"})
			s.called("one", "+919810052104")
		}},
		play{name: "two placeholders and nobody to call", act: func(s *stage) {
			s.leaves("one", fields{"email": "one@both.example", "shipping_address": at("IN", "9999999999")})
			s.leaves("two", fields{"email": "two@both.example", "shipping_address": at("IN", "9999999999")})
			s.buys(fields{"email": "three@both.example", "shipping_address": at("IN", "9999999999")})
			s.never("one", "watching", "no_phone")
			s.is("two", "watching", "no_phone")
		}},
		play{name: "the next number is taken", act: func(s *stage) {
			s.leaves("one", fields{"phone": "9999999999", "shipping_address": at("IN", "98XXXXXX10"), "billing_address": at("IN", "98100 52105")})
			s.called("one", "+919810052105")
		}},
	)
	runPlays(t, plays)
}

func TestCases_NumbersWrittenOtherwise(t *testing.T) {
	t.Parallel()
	runPlays(t, playsOf("written", []typed{
		{"MX", "", "+52 1 55 4823 7146", "+525548237146"},
		{"MX", "MX", "5215548237147", "+525548237147"},
		{"MX", "MX", "045 55 4823 7148", "+525548237148"},
		{"MX", "MX", "+52 044 55 4823 7149", "+525548237149"},
		{"US", "MX", "+52 (1) 81 8342 7150", "+528183427150"},
		{"IN", "IN", "+91 91 98100 51001", "+919810051001"},
		{"IN", "", "0091 98100 51002", "+919810051002"},
		{"IN", "IN", "+91 0 98100 51003", "+919810051003"},
		{"IN", "", "91-98100-51004", "+919810051004"},
		{"IN", "IN", "+91+919810051005", "+919810051005"},
		{"IN", "IN", "98100 51007 / 98100 51008", "+919810051007"},
		{"IN", "", "98100 51009, 98100 51010", "+919810051009"},
		{"IN", "IN", "9810051011 or 9810051012", "+919810051011"},
		{"IN", "", "9810051013;9810051014", "+919810051013"},
		{"IN", "", "(WhatsApp) 98100 51017", "+919810051017"},
		{"IN", "IN", "98100 51018 whatsapp only", "+919810051018"},
		{"BR", "BR", "(21) 8765-4329", "+5521987654329"},
		{"BR", "BR", "11 9123-4586", "+5511991234586"},
		{"BR", "BR", "+55 (11) 3456-7892", "+551134567892"},
		{"BR", "BR", "(31) 98888-4471", "+5531988884471"},
		{"IN", "IN", "९८१०० ५१०२१", "+919810051021"},
		{"IN", "", "+৯১ ৯৮১০০ ৫১০২২", "+919810051022"},
		{"IN", "IN", "૯૮૧૦૦૫૧૦૨૩", "+919810051023"},
		{"AE", "AE", "٠٥٠ ٤٨٣ ٧٢٩١", "+971504837291"},
		{"AE", "", "+۹۷۱ ۵۰ ۴۸۳ ۷۲۹۲", "+971504837292"},
		{"JP", "JP", "０９０－４８３７－２９１５", "+819048372915"},
		{"TH", "TH", "๐๘๑ ๔๘๓ ๗๒๙๑", "+66814837291"},
		{"IN", "IN", "\u202a+91 98100 51031\u202c", "+919810051031"},
		{"IN", "", "\u200e98100\u200f51032", "+919810051032"},
		{"IN", "IN", "\u2066+91\u00a098100\u200951033\u2069", "+919810051033"},
		{"IN", "", "\ufeff98100\u202f51\u200b034", "+919810051034"},
		{"IN", "IN", "+91\u201198100\u201351035", "+919810051035"},
		{"FR", "FR", "+33 (0)6 12 97 45 39", "+33612974539"},
		{"GB", "GB", "+44 (0) 20 7183 8752", "+442071838752"},
		{"DE", "DE", "0049 (0) 171 4839206", "+491714839206"},
	}))
}

// What the do-not-call list takes is read as the numbers of checkouts are.
func TestCases_NumbersOnTheDoNotCallList(t *testing.T) {
	t.Parallel()
	refused := func(name, text string) play {
		return play{name: "refused " + name, country: "US", act: func(s *stage) {
			for _, shop := range []string{s.shop, ""} {
				status, answer := s.suppresses(fields{"shop": shop, "phone": text})
				require.Equal(s.t, http.StatusBadRequest, status, answer)
				require.Contains(s.t, answer, `"field":"phone"`)
				require.NotContains(s.t, answer, text)
			}
			var list struct{ Suppressions []struct{ Shop string } }
			s.reads("/api/v1/suppressions?shop="+s.shop, &list)
			require.Empty(s.t, list.Suppressions)
		}}
	}
	taken := func(name, country, text, number string) play {
		return play{name: "taken " + name, country: country, act: func(s *stage) {
			status, answer := s.suppresses(fields{"shop": s.shop, "phone": text})
			require.Equal(s.t, http.StatusCreated, status, answer)
			require.Contains(s.t, answer, number)
			s.leaves("held", fields{"phone": number})
			s.spared("held")
		}}
	}
	runPlays(t, []play{
		refused("a mask", "98XXXXXX13"), refused("a mask after a code", "+91 98xxxxxx14"), refused("letters", "1-800-FLOWERS"),
		refused("a mask of one digit", "+1 415 73X 4127"), refused("a placeholder", "9999999999"), refused("an extension", "415 732 1184 ext. 6"),
		taken("a word", "IN", "98100 53001 WhatsApp", "+919810053001"),
		taken("digits of another script", "IN", "९८१०० ५३००२", "+919810053002"),
		taken("marks", "IN", "\u202a+91 98100 53003\u202c", "+919810053003"),
		taken("the code twice", "IN", "+91 91 98100 53004", "+919810053004"),
		taken("the former mobile prefix", "MX", "+52 1 55 4823 7201", "+525548237201"),
		taken("without the ninth digit", "BR", "(21) 8765-4301", "+5521987654301"),
		taken("a name", "DE", "030 7654301 Max", "+49307654301"),
		{name: "the second number of a cart", act: func(s *stage) {
			status, answer := s.suppresses(fields{"phone": "+919810053011"})
			require.Equal(s.t, http.StatusCreated, status, answer)
			s.leaves("held", fields{"phone": "+919810053012", "shipping_address": at("IN", "098100-53011")})
			s.spared("held")
		}},
		{name: "a number in another shop only", act: func(s *stage) {
			status, answer := s.suppresses(fields{"shop": "the-second-number-of-a-cart.myshopify.com", "phone": "98100 53013"})
			require.Equal(s.t, http.StatusCreated, status, answer)
			s.leaves("free", fields{"phone": "+919810053013"})
			c := s.called("free", "+919810053013")
			assert.Equal(s.t, 1, c.Attempts)
		}},
	})
}
