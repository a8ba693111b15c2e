package loopback_test

import (
	"net/netip"
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

func TestPublicAndPrivate(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"8.8.8.8", "192.0.1.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"} {
		ip := netip.MustParseAddr(address)
		assert.True(t, loopback.Public(ip), address)
		assert.False(t, loopback.Private(ip), address)
	}
	for _, address := range []string{
		"127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "::ffff:10.0.0.1",
	} {
		ip := netip.MustParseAddr(address)
		assert.False(t, loopback.Public(ip), address)
		assert.True(t, loopback.Private(ip), address)
	}
	for _, address := range []string{
		"169.254.169.254", "fe80::1%eth0", "0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "ff02::1", "255.255.255.255",
		"240.0.0.1", "198.18.0.1",
		"64:ff9b::a00:1", "2002:a00:1::", "::10.0.0.1", "fec0::1", "2001:db8::1", "::ffff:169.254.169.254",
	} {
		ip := netip.MustParseAddr(address)
		assert.False(t, loopback.Public(ip), address)
		assert.False(t, loopback.Private(ip), address)
	}
}
