package policy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringback/internal/cart"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"
)

// # How a phone number is read
//
// People type numbers in many ways. One reader serves webhooks, the API, the do-not-call list and calls' insights. When
// in doubt it reads no number: it is better not to call than to call a stranger.
//
// It accepts:
//
//   - Digits of any script, full-width characters, invisible characters (direction marks, joiners, variation
//     selectors), and every kind of space and dash. They are normalised first.
//   - Digits grouped by spaces, dots, dashes, slashes and brackets. A plus sign or the international prefix 00 before
//     the country's code. A number without a country's code is read as one of the given country.
//   - Words before or after a number that is complete without them: "Tel: 030 1234567", "98100 00008 (WhatsApp)".
//   - Two numbers in one field, separated by a slash, comma, semicolon, line break or a word such as "or", or each
//     with a word of its own ("H: … C: …"). The first that can be called counts.
//   - Habits of single countries: a country's code that is typed twice; a trunk zero after the code; Mexico's former
//     prefixes 1, 044 and 045; Brazil's mobile numbers without their ninth digit or with a carrier's code; Argentina's
//     mobile prefix 15 and trunk zero after the 9; Italy's former zero before mobile numbers.
//
// It rejects:
//
//   - Letters, masks ("98XXXXXX10", "98******10") or other characters within the digits, and words joined to their end
//     ("030-1234-TAXI"). Letters never stand for the digits of a keypad.
//   - A number with an extension, because many people share a switchboard. A few digits after a comma count as an
//     extension: phones dial them after a pause. A fax number.
//   - Placeholders: one digit repeated ("9999999999"), also after another first digit ("9000000000"), digits that
//     count up ("1234567890"), directory assistance ("555-1212").
//   - Numbers at which nobody should be called: premium rate, shared cost, freephone, pager, voicemail, company-wide
//     and personal numbers, satellite and other numbers of no country or no place.
//
// Every digit of the result is in the text, in the same order, except an added country's code and Brazil's ninth digit.

// The longest texts that are read: in bytes as typed, and in characters once they are normalised.
const (
	longestTyped = 400
	longestPlain = 100
)

// Number reads one number as typed, in the given country (ISO 3166-1 alpha-2) when it has no country's code, and
// returns it in E.164; "" when it cannot be called.
func Number(typed, country string) string {
	p, _ := readNumber(cart.RawPhone{Number: typed}, "", country)
	return p.Number
}

// Numbers returns all numbers that can be called, in E.164 without repeats. Each is read as one of the country of its
// own address, else of address, else of the store.
func Numbers(typed []cart.RawPhone, address, store string) []string {
	var numbers []string
	for _, raw := range typed {
		if p, ok := readNumber(raw, address, store); ok && !slices.Contains(numbers, p.Number) {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}

// readNumber reads one number as one of the countries in turn.
func readNumber(raw cart.RawPhone, address, store string) (Phone, bool) {
	parts := split(raw.Number)
	if len(parts) == 0 {
		return Phone{}, false
	}
	var tried [3]string
	for i, country := range [...]string{raw.Country, address, store} {
		country = strings.ToUpper(country)
		if country == "" || slices.Contains(tried[:i], country) {
			continue
		}
		tried[i] = country
		if n := first(parts, country); n != nil {
			return phoneOf(n, raw.From), true
		}
		if taken(parts, country) {
			// It is a number of this country, but not one to call. It is not meant as one of another country.
			return Phone{}, false
		}
	}
	// Without a country, a number must have its country's code.
	if n := first(parts, "ZZ"); n != nil {
		return phoneOf(n, raw.From), true
	}
	return Phone{}, false
}

func phoneOf(n *phonenumbers.PhoneNumber, from string) Phone {
	return Phone{
		Number:  phonenumbers.Format(n, phonenumbers.E164),
		From:    from,
		Country: phonenumbers.GetRegionCodeForNumber(n),
	}
}

// first reads the first of a text's parts that can be called in the country.
func first(parts []part, country string) *phonenumbers.PhoneNumber {
	for _, p := range parts {
		if n := p.read(country); n != nil {
			return n
		}
	}
	return nil
}

// taken reports whether a text has a valid number of the country as it is written there, even one not to be called.
func taken(parts []part, country string) bool {
	const trunk = "0"
	needsTrunk := phonenumbers.GetNddPrefixForRegion(country, true) == trunk
	return slices.ContainsFunc(parts, func(p part) bool {
		digits := strings.Join(p.groups, "")
		n, err := phonenumbers.Parse(digits, country)
		asWritten := !needsTrunk || strings.HasPrefix(digits, trunk) || strings.HasPrefix(digits, "+")
		return err == nil && phonenumbers.IsValidNumber(n) && asWritten
	})
}

// part is one number of a normalised text: groups of digits, separated by spaces or slashes. The first may begin with a
// plus sign.
type part struct {
	// groups hold only digits, except for the plus sign. slashed marks the groups that come after a slash.
	groups  []string
	slashed []bool
}

var (
	// between separates two numbers of one text.
	between = regexp.MustCompile(`[,;|\n\\、،؛]+|\s(?:&|and|or|alt|und|oder|y|o|ou|et|e|ve|veya|of|eller|lub|atau|и|или|या)\s`)
	// pause is an extension that a phone dials after pauses, written as commas or semicolons.
	pause = regexp.MustCompile(`(\d[\s)]*)(?:[,;]\s*\d{1,5}|[,;]{2,}\s*\d{1,8})\s*#?\s*$`)
	// extension is a switchboard's extension: digits, a word for extension, digits.
	extension = regexp.MustCompile(`(\d[\s)]*)[,;\s.(\-/]*(?:;?ext(?:n|ension)?|e?x|#|доб(?:авочный)?|доп|poste|durchwahl|dw|nst|interno?|int|ramal|anexo|pbx|内線|內線|分机|分機|내선)[\s.:=#)]*\d{1,8}`)
	// beside are the words that mark a number as not a person's, even without digits after them.
	beside = regexp.MustCompile(`(?:^|[^\p{L}])(?:ext|extn|extension|fax|telefax|fon/fax|доб|факс|durchwahl|内線|内線番号)(?:[^\p{L}]|$)`)
	// plainWord is a word that may be joined to the digits.
	plainWord = regexp.MustCompile(`^(?:whats\s?app|wa|mobile|mob|mobil|cell|phone|tel|tlf|telefon|telephone|call|home|work|office|imo|viber|telegram)$`)
	// joined begins with letters that a dash or a dot joins to the digits before it.
	joined = regexp.MustCompile(`^[\s)\]]*[-.']+\p{L}`)
	// gap is a mask made of separators.
	gap = regexp.MustCompile(`\.{3,}|-{3,}|_`)
	// mask is a word that only hides digits.
	mask = regexp.MustCompile(`^[xх]+$`)
)

// cut replaces a text that makes the number before it unusable.
const cut = "\x01"

// split normalises a typed text and finds the numbers in it.
func split(typed string) []part {
	if typed == "" || len(typed) > longestTyped {
		return nil
	}
	text := plainText(typed)
	if utf8.RuneCountInString(text) > longestPlain {
		return nil
	}
	if onlyDigits(text) {
		return parts(text)
	}
	text = extension.ReplaceAllString(text, "${1}"+cut)
	text = pause.ReplaceAllString(text, "${1}"+cut)
	var all []part
	for _, piece := range between.Split(text, -1) {
		found := parts(piece)
		if found == nil {
			found = separate(piece)
		}
		all = append(all, found...)
	}
	return all
}

var (
	// apart is a slash between two numbers, not within one.
	apart = regexp.MustCompile(`\s/\s`)
	// words are what may be between two numbers.
	words = regexp.MustCompile(`[\s(]\p{L}[\p{L}\s.:()-]*[\s.:)]`)
	// hidden is a word that only hides digits.
	hidden = regexp.MustCompile(`(?:^|\P{L})[xх]+(?:\P{L}|$)`)
)

// fewestApart is the least number of digits of a number in a text with other numbers, or pieces of numbers. Fewer may
// be a piece of a masked number.
const fewestApart = 9

// separate reads the numbers of a text that has several, separated by words or by a slash. One of them may be masked.
func separate(piece string) []part {
	var all []part
	for _, section := range apart.Split(piece, -1) {
		found := parts(section)
		if found == nil && !hidden.MatchString(section) {
			found = withWords(section)
		}
		if countDigits(section) >= fewestApart {
			all = append(all, found...)
		}
	}
	return all
}

// withWords reads numbers that are separated by words. Each must be long enough to be complete, else all may be pieces
// of one number.
func withWords(section string) []part {
	var all []part
	for _, text := range words.Split(section, -1) {
		if countDigits(text) == 0 {
			continue
		}
		found := parts(text)
		if found == nil || countDigits(text) < fewestApart {
			return nil
		}
		all = append(all, found...)
	}
	return all
}

func countDigits(text string) int {
	n := 0
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			n++
		}
	}
	return n
}

// onlyDigits reports whether a text has only digits and the usual separators, as most have.
func onlyDigits(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c == ' ', c == '+', c == '-', c == '(', c == ')', c == '.':
		default:
			return false
		}
	}
	return true
}

// plainText normalises a text: lower case, ASCII digits, plain spaces and dashes, no invisible characters.
func plainText(typed string) string {
	if !utf8.ValidString(typed) {
		return ""
	}
	if !isASCII(typed) {
		typed = norm.NFKC.String(typed)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\n' || r == '\u2028' || r == '\u2029' || r == '\v' || r == '\f':
			return '\n'
		case r < utf8.RuneSelf:
			if r == '\t' {
				return ' '
			}
			return unicode.ToLower(r)
		case unicode.Is(unicode.Nd, r):
			return '0' + digitValue(r)
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), r == '\u20e3':
			return -1
		case unicode.Is(unicode.Zs, r):
			return ' '
		case unicode.Is(unicode.Pd, r), r == '−', r == '‒':
			return '-'
		}
		return unicode.ToLower(r)
	}, typed))
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// digitValue returns the value of a decimal digit of any script. The ten digits of a script are consecutive.
func digitValue(r rune) rune {
	for _, block := range unicode.Nd.R16 {
		if r >= rune(block.Lo) && r <= rune(block.Hi) {
			return (r - rune(block.Lo)) % 10
		}
	}
	for _, block := range unicode.Nd.R32 {
		if r >= rune(block.Lo) && r <= rune(block.Hi) {
			return (r - rune(block.Lo)) % 10
		}
	}
	return 0
}

// parts reads one piece of a normalised text. It has several numbers if there is a plus sign within it.
func parts(piece string) []part {
	begin := strings.IndexAny(piece, "+0123456789")
	end := strings.LastIndexAny(piece, "0123456789") + 1
	if begin < 0 || begin >= end || gap.MatchString(piece) {
		return nil
	}
	before, core, after := piece[:begin], piece[begin:end], piece[end:]
	if !fitsBefore(before) || !fitsAfter(after) || beside.MatchString(piece) {
		return nil
	}
	var all []part
	p := part{}
	slash := false
	var group strings.Builder
	flush := func() {
		if group.Len() > 0 {
			p.groups, p.slashed = append(p.groups, group.String()), append(p.slashed, slash)
			group.Reset()
			slash = false
		}
	}
	for _, r := range core {
		switch {
		case r >= '0' && r <= '9':
			group.WriteRune(r)
		case r == '+':
			flush()
			if len(p.groups) > 0 {
				all = append(all, p)
				p = part{}
			}
			group.WriteByte('+')
		case r == '/':
			flush()
			slash = true
		case r == ' ', r == '-', r == '.', r == '(', r == ')', r == '[', r == ']', r == '\'':
			if group.String() != "+" {
				flush()
			}
		default:
			return nil
		}
	}
	flush()
	return append(all, p)
}

// fitsBefore reports whether a number may follow this text.
func fitsBefore(text string) bool {
	word := lastWord(text)
	if strings.ContainsAny(text, "*•●▪█?…") || strings.Contains(text, cut) || mask.MatchString(word) {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(text)
	return text == "" || !unicode.IsLetter(r) || plainWord.MatchString(word)
}

// fitsAfter reports whether this text may follow a number.
func fitsAfter(text string) bool {
	if strings.ContainsAny(text, "*•●▪█?…#") || strings.Contains(text, cut) || joined.MatchString(text) {
		return false
	}
	word := firstWord(text)
	r, _ := utf8.DecodeRuneInString(text)
	switch {
	case text == "":
		return true
	case unicode.IsLetter(r):
		return plainWord.MatchString(word)
	}
	return !mask.MatchString(word)
}

func lastWord(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

func firstWord(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// read reads the part as a number of a country, "ZZ" for none. A slash or a space may separate two numbers, or an area
// code from the rest. If the digits before it are a complete number, that is the number.
func (p part) read(country string) *phonenumbers.PhoneNumber {
	for i := 1; i < len(p.groups); i++ {
		if p.slashed[i] {
			if n := parseDigits(strings.Join(p.groups[:i], ""), country); n != nil {
				return n
			}
		}
	}
	if n := parseDigits(strings.Join(p.groups, ""), country); n != nil {
		return n
	}
	var found *phonenumbers.PhoneNumber
	for i := 1; i < len(p.groups); i++ {
		n := parseDigits(strings.Join(p.groups[:i], ""), country)
		if n == nil || parseDigits(strings.Join(p.groups[i:], ""), country) == nil {
			continue
		}
		if found != nil {
			// It is unclear where the first number ends.
			return nil
		}
		found = n
	}
	if found == nil && len(p.groups) > 1 && slices.Contains(p.slashed, true) {
		// Only the second of two is a number: "5 / 98100 00008".
		for i := 1; i < len(p.groups); i++ {
			if p.slashed[i] {
				return part{p.groups[i:], append([]bool{false}, p.slashed[i+1:]...)}.read(country)
			}
		}
	}
	return found
}

// The least and the most digits of a number, including a country's code that is typed twice.
const (
	fewestDigits = 6
	mostDigits   = 20
)

// parseDigits reads digits, with or without a plus sign, as a number of the country. It returns nil when they are not a
// number that can be called.
func parseDigits(digits, country string) *phonenumbers.PhoneNumber {
	if n := len(digits); n < fewestDigits || n > mostDigits+1 {
		return nil
	}
	n, err := phonenumbers.Parse(digits, country)
	if err == nil {
		if fixed := national(n, digits); fixed != nil {
			return fixed
		}
	}
	if rest, abroad := strings.CutPrefix(digits, "00"); abroad {
		// 00 is most countries' international prefix. It is also typed in countries that have another one.
		if n, err := phonenumbers.Parse("+"+rest, "ZZ"); err == nil {
			return national(n, "+"+rest)
		}
	}
	return nil
}

// national returns the number, or the one that it stands for by the habits of its country, if it can be called; else
// nil.
func national(n *phonenumbers.PhoneNumber, digits string) *phonenumbers.PhoneNumber {
	code := int(n.GetCountryCode())
	prefix := strconv.Itoa(code)
	typed := strings.TrimPrefix(digits, "+")
	if strings.HasPrefix(digits, "+") {
		typed = strings.TrimPrefix(typed, prefix)
	}
	if fix, has := habits[code]; has {
		for _, candidate := range variants(typed, prefix) {
			if meant := fix(candidate); meant != "" {
				if m := callableNumber("+"+prefix+meant, "ZZ"); m != nil {
					return m
				}
			}
		}
	}
	if usable(n) {
		return n
	}
	if phonenumbers.IsValidNumber(n) {
		// It is a valid number, but not one to call. It is not meant as another one.
		return nil
	}
	for _, candidate := range variants(typed, prefix)[1:] {
		if m := callableNumber("+"+prefix+candidate, "ZZ"); m != nil && int(m.GetCountryCode()) == code {
			return m
		}
	}
	return nil
}

// variants returns the national digits as typed, without trunk zeros, and without a country's code that was typed
// twice.
func variants(typed, code string) []string {
	all := []string{typed}
	for range 2 {
		last := all[len(all)-1]
		switch {
		case strings.HasPrefix(last, "00"+code):
			all = append(all, last[2+len(code):])
		case strings.HasPrefix(last, code):
			all = append(all, last[len(code):])
		case strings.HasPrefix(last, "0") && code != "39" && code != "378":
			all = append(all, strings.TrimLeft(last, "0"))
		default:
			return all
		}
	}
	return all
}

// habits say which number national digits stand for in a country, by its calling code; "" for no other number.
var habits = map[int]func(string) string{39: italian, 52: mexican, 54: argentine, 55: brazilian}

// italian drops the zero that mobile numbers had before 2001, unless a landline has the number with it.
func italian(national string) string {
	mobile, has := strings.CutPrefix(national, "0")
	if !has || !strings.HasPrefix(mobile, "3") || len(mobile) != 10 || callableNumber("+39"+national, "ZZ") != nil {
		return ""
	}
	return mobile
}

// argentine reads mobile numbers that have a trunk zero, the domestic prefix 15, or both, after the 9 that is dialled
// from abroad.
func argentine(national string) string {
	rest, has := strings.CutPrefix(national, "9")
	if !has {
		return ""
	}
	rest = strings.TrimPrefix(rest, "0")
	switch len(rest) {
	case 10:
		return "9" + rest
	case 12:
		if n, err := phonenumbers.Parse("0"+rest, "AR"); err == nil {
			return phonenumbers.GetNationalSignificantNumber(n)
		}
	}
	return ""
}

// mexican drops the prefixes that mobile numbers had before August 2019: 1 after the country's code, 044 and 045
// within the country. Area and number have ten digits, and no area begins with 0 or 1.
func mexican(national string) string {
	for _, prefix := range []string{"1", "044", "045", "01"} {
		if rest, has := strings.CutPrefix(national, prefix); has && len(rest) == 10 && rest[0] != '0' && rest[0] != '1' {
			return rest
		}
	}
	return ""
}

// brazilian drops a trunk zero with a carrier's two digits, and inserts the 9 that mobile numbers have since 2016: two
// digits of the area, then eight digits that begin with 6 to 9.
func brazilian(national string) string {
	meant := national
	if rest, has := strings.CutPrefix(meant, "0"); has {
		switch len(rest) {
		case 10, 11:
			meant = rest
		case 12, 13:
			meant = rest[2:]
		}
	}
	if len(meant) == 10 && meant[0] != '0' && meant[2] >= '6' && meant[2] <= '9' {
		return meant[:2] + "9" + meant[2:]
	}
	if meant == national {
		return ""
	}
	return meant
}

func callableNumber(digits, country string) *phonenumbers.PhoneNumber {
	n, err := phonenumbers.Parse(digits, country)
	if err != nil || !usable(n) {
		return nil
	}
	return n
}

// usable reports whether the number is one person's and can be called.
func usable(n *phonenumbers.PhoneNumber) bool {
	// A number that is not valid has no type.
	if !callable(phonenumbers.GetNumberType(n)) {
		return false
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if len(region) != 2 || region == "ZZ" {
		// Satellite and other numbers that belong to no country.
		return false
	}
	national := phonenumbers.GetNationalSignificantNumber(n)
	if n.GetCountryCode() == 1 && (national[:3] == nowhere || national[3:6] == premiumExchange) {
		return false
	}
	return !placeholder(national, n.GetCountryCode() == 1)
}

// North American numbers that libphonenumber takes for ordinary ones: an area code of Canada without a place, which is
// used for satellite phones, and the exchange that is premium rate in every area.
const (
	nowhere         = "600"
	premiumExchange = "976"
)

// callable reports whether numbers of the kind can be called at no special price. Unknown kinds cannot.
func callable(t phonenumbers.PhoneNumberType) bool {
	switch t {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.VOIP:
		return true
	}
	return false
}

// directoryAssistance is the end of North American numbers for directory assistance.
const directoryAssistance = "5551212"

// placeholder reports whether a national number is one that people type instead of their own: one digit repeated,
// perhaps after another first digit, or digits that count up from a first digit of 0 to 3.
func placeholder(national string, northAmerican bool) bool {
	if northAmerican && strings.HasSuffix(national, directoryAssistance) {
		return true
	}
	repeated, ascending := true, national[0] <= '3'
	for i := 2; i < len(national); i++ {
		repeated = repeated && national[i] == national[1]
	}
	for i := 1; i < len(national); i++ {
		ascending = ascending && national[i] == '0'+(national[i-1]-'0'+1)%10
	}
	return repeated && len(national) >= shortestRepeated || ascending
}

// shortestRepeated is the least length of a repeated digit to be a placeholder. Small places have short real numbers.
const shortestRepeated = 7
