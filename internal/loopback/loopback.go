// Package loopback says which hosts are this machine. What goes to another host must be encrypted.
package loopback

import (
	"net/netip"
	"strings"
)

// Host reports whether a host name or IP address, without a port, is this machine: localhost, a name under .localhost
// (reserved by RFC 6761, section 6.3), or an address such as 127.0.0.1 and ::1.
func Host(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
