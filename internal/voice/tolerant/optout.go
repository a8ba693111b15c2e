package tolerant

import (
	"slices"
	"strings"

	"ringback/internal/config"
)

// optOuts are words with which people ask not to be called again, by language, in lower case. They are few and plain:
// each is an opt-out wherever it stands.
var optOuts = map[string][]string{
	"en": {
		"stop calling", "don't call me", "do not call me", "don't call again", "do not call again", "never call me",
		"remove me", "remove my number", "take me off", "take my number off", "unsubscribe", "opt me out", "opt out",
		"do not call list", "quit calling", "no more calls", "lose my number",
	},
	"de": {
		"rufen sie mich nicht mehr an", "rufen sie nicht mehr an", "nicht mehr anrufen", "keine anrufe mehr",
		"löschen sie meine nummer",
	},
	"fr": {"ne m'appelez plus", "ne me rappelez plus", "n'appelez plus", "arrêtez de m'appeler", "supprimez mon numéro"},
	"es": {
		"no me llamen", "no me llame más", "dejen de llamar", "deje de llamar", "no vuelvan a llamar",
		"borren mi número",
	},
	"it": {"non chiamatemi più", "non mi chiami più", "non mi chiamate più", "smettetela di chiamare"},
	"pt": {"não me ligue", "não me liguem", "parem de ligar", "pare de ligar", "remova meu número"},
	"nl": {"bel me niet meer", "belt u mij niet meer", "niet meer bellen"},
	"hi": {
		"phone mat karo", "phone mat karna", "call mat karo", "call mat karna", "dobara call mat",
		"फोन मत", "फ़ोन मत", "कॉल मत",
	},
}

// saidBy are the words for the customer among those who speak in a transcript.
var saidBy = []string{"user", "customer", "human", "caller", "callee", "participant"}

// SuspectsOptOut reports whether a transcript holds words of an opt-out while the analysis does not answer that
// question. transcript is a text, or a list of texts or of objects with a role and a text; where roles are told, only
// what the customer said counts.
func SuspectsOptOut(names config.Insights, transcript any, from ...Object) bool {
	for _, o := range from {
		if ReadAnswer(o.Fold(names.OptedOut)) != Absent {
			return false
		}
	}
	said := strings.ToLower(strings.ReplaceAll(spoken(transcript), "’", "'"))
	if said == "" {
		return false
	}
	for _, phrases := range optOuts {
		for _, phrase := range phrases {
			if strings.Contains(said, phrase) {
				return true
			}
		}
	}
	return false
}

// byCustomer leaves out the lines of a transcript that begin with the name of somebody else, such as "Agent: Hello".
func byCustomer(text string) string {
	var all []string
	ours := true
	for line := range strings.SplitSeq(text, "\n") {
		if who, _, named := strings.Cut(line, ":"); named {
			switch who = strings.ToLower(strings.TrimSpace(who)); {
			case slices.Contains(saidBy, who):
				ours = true
			case slices.Contains(othersSay, who):
				ours = false
			}
		}
		if ours {
			all = append(all, line)
		}
	}
	return strings.Join(all, "\n")
}

// othersSay are the words for the agent.
var othersSay = []string{"agent", "assistant", "bot", "ai", "system", "model"}

// spoken is what the customer said, or everybody where the transcript does not tell who spoke.
func spoken(transcript any) string {
	switch t := transcript.(type) {
	case string:
		return byCustomer(t)
	case map[string]any:
		o := Object(t)
		return spoken(o.Value("messages", "turns", "text", "content"))
	case []any:
		var all []string
		for _, turn := range t {
			o, ok := turn.(map[string]any)
			if !ok {
				all = append(all, Text(turn, MaxText))
				continue
			}
			who := strings.ToLower(Object(o).Word("role", "speaker", "from"))
			if who != "" && !slices.Contains(saidBy, who) {
				continue
			}
			all = append(all, Object(o).Text("text", "content", "message"))
		}
		return strings.Join(all, "\n")
	}
	return ""
}
