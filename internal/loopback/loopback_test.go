package loopback_test

import (
	"testing"

	"ringback/internal/loopback"

	"github.com/stretchr/testify/assert"
)

func TestHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"localhost", "LocalHost", "localhost.", "x.localhost", "a.b.localhost.", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1",
	} {
		assert.True(t, loopback.Host(host), host)
	}
	for _, host := range []string{
		"", ".", "0.0.0.0", "::", "10.0.0.1", "::2", "128.0.0.1", "notlocalhost", "localhost.example.com", "127.0.0.1.example.com",
		"127.1", "[::1]", "localhost:80",
	} {
		assert.False(t, loopback.Host(host), host)
	}
}
