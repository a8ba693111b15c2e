package shopify

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheExampleManifestAsksForWhatTheCodeNeeds(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../shopify.app.example.toml")
	require.NoError(t, err)
	var settings []string
	for line := range strings.Lines(string(raw)) {
		setting, _, _ := strings.Cut(line, "#")
		settings = append(settings, strings.TrimSpace(setting))
	}
	text := strings.Join(settings, "\n")
	assert.Contains(t, text, `scopes = "`+strings.Join(DefaultScopes(), ",")+`"`)
	assert.Contains(t, text, `compliance_topics = ["`+strings.Join(ComplianceTopics(), `", "`)+`"]`)
	assert.Contains(t, text, `/webhooks/shopify"`)
	assert.Contains(t, text, `/shopify/callback"]`)
	for _, topic := range SubscribedTopics() {
		assert.NotContains(t, text, topic, "comes from the API; here too it would come twice")
	}
}
