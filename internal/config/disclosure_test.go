package config_test

import (
	"testing"

	"ringback/internal/config"

	"github.com/stretchr/testify/assert"
)

func TestDisclosure_IsInTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	v := config.Voice{Disclosure: map[string]string{"en": "automated", "de": "automatisch", "default": "robot"}}
	for locale, want := range map[string]string{
		"en-US": "automated", "de": "automatisch", "de_AT": "automatisch", "DE-ch": "automatisch", "fr": "robot", "": "robot",
	} {
		assert.Equal(t, want, v.DisclosureIn(locale), locale)
	}
	v.Disclosure = map[string]string{"en": "automated"}
	assert.Equal(t, "automated", v.DisclosureIn("fr"))
	v.Disclosure = nil
	assert.Empty(t, v.DisclosureIn("en"))
}
