package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"ringback/internal/loopback"
)

// onLoopback reports whether a web address is on this machine.
func onLoopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && loopback.Host(u.Hostname())
}

// listenHost returns the host of a TCP listen address; problem is "" when the address is good.
func listenHost(listen string) (host, problem string) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Sprintf(`%q is not an address; write host:port, such as "127.0.0.1:8080", or ":8080" for every `+
			`interface`, listen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Sprintf("the port %q is not a number from 0 to 65535; 0 picks a free one", port)
	}
	if strings.ContainsAny(host, " /@") {
		return "", fmt.Sprintf(`the host %q is not a host name or address; write host:port, such as `+
			`"127.0.0.1:8080"`, host)
	}
	return host, ""
}

// webURL checks the address of a web service: absolute, https except for a loopback host, and nothing after the path.
// It returns the address without a trailing slash; problem is "" when the address is good. An address that holds a
// password is refused and not shown.
func webURL(address string) (clean, problem string) {
	const example = "write one such as https://calls.example.com"
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Opaque != "", u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		if strings.Contains(address, "@") {
			return "", "is not an absolute http or https address; " + example
		}
		return "", fmt.Sprintf("%q is not an absolute http or https address; %s", address, example)
	case !portInRange(u.Port()):
		return "", fmt.Sprintf("the port %q is not a number from 1 to 65535", u.Port())
	case u.User != nil:
		return "", "must not hold a user or password; take the part before @ away"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", fmt.Sprintf("%q must end with its path; take the part from ? or # away", address)
	case u.Scheme == "http" && !loopback.Host(u.Hostname()):
		return "", fmt.Sprintf("%q must be https; only a loopback host such as 127.0.0.1 may be http", address)
	}
	return strings.TrimRight(address, "/"), ""
}

// portInRange reports whether a URL's port is absent or one that can be dialled.
func portInRange(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}
