package config_test

import (
	"testing"

	"ringback/internal/config"
	"ringback/internal/secret"

	"github.com/stretchr/testify/assert"
)

func TestSecretsOf_OwnSecretsReplaceTheSharedOnes(t *testing.T) {
	t.Parallel()
	app := config.Shopify{ClientSecrets: secret.List{"shared", "former"}}
	assert.Equal(t, secret.List{"own"}, app.SecretsOf(config.Store{ClientSecrets: secret.List{"own"}}))
	assert.Equal(t, secret.List{"shared", "former"}, app.SecretsOf(config.Store{ClientSecrets: secret.List{}}))
	assert.Equal(t, secret.List{"shared", "former"}, app.SecretsOf(config.Store{}))
}
