// Package loopback says which hosts are this machine, and which addresses are open to everybody. What goes to another
// host must be encrypted.
package loopback

import (
	"net/netip"
	"slices"
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

// reserved are the addresses that are not for the public Internet, beside those that netip knows: the special-purpose
// address registries of IANA, and the ranges in which an IPv6 address stands for an IPv4 one, which may be any.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	"fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// Public reports whether an address is one of the public Internet: not of this machine, of a private network, of a
// single link, nor reserved.
func Public(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return address.IsGlobalUnicast() && !address.IsPrivate() &&
		!slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(address) })
}

// Private reports whether an address is of this machine or of a private network, so that a host of the operator's own
// may have it. An address of a single link is not: clouds answer there with secrets.
func Private(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return address.IsLoopback() || address.IsPrivate() || shared.Contains(address)
}

// shared is used behind the routers of a provider (RFC 6598), and by networks of one's own.
var shared = netip.MustParsePrefix("100.64.0.0/10")
