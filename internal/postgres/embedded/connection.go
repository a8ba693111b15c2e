//go:build unix

package embedded

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
)

const (
	roleName     = "ringback"
	databaseName = "ringback"
	// host is the only address that the server listens on.
	host = "127.0.0.1"
)

// connection is how to reach the server.
type connection struct {
	port     int
	password string
}

// newConnection makes up a password; the port is still to be found.
func newConnection() connection {
	secret := make([]byte, 24)
	// Read never fails: it ends the program if the system has no randomness.
	_, _ = rand.Read(secret)
	return connection{password: hex.EncodeToString(secret)}
}

func parseConnection(text string) (connection, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The parser's error quotes the text, and with it the password.
		return connection{}, errors.New("not a connection URL")
	}
	port, err := strconv.Atoi(u.Port())
	password, given := u.User.Password()
	if err != nil || !given || password == "" {
		return connection{}, errors.New("a connection URL without a port or a password")
	}
	return connection{port: port, password: password}, nil
}

// String is the connection string of the program's database.
func (c connection) String() string { return c.database(databaseName) }

// maintenance is the connection string of the database that every cluster has.
func (c connection) maintenance() string { return c.database("postgres") }

func (c connection) database(name string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(roleName, c.password),
		Host:     net.JoinHostPort(host, strconv.Itoa(c.port)),
		Path:     "/" + name,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// withFreePort keeps the port if nobody listens on it, so that those who joined find a restarted server again, and
// takes any free one otherwise.
func (c connection) withFreePort(ctx context.Context) (connection, error) {
	var system net.ListenConfig
	for _, port := range []int{c.port, 0} {
		listener, err := system.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			if port == 0 {
				return connection{}, fmt.Errorf("find a free port for Postgres on %s: %w", host, err)
			}
			continue
		}
		c.port = listener.Addr().(*net.TCPAddr).Port
		if err := listener.Close(); err != nil {
			return connection{}, err
		}
		break
	}
	return c, nil
}
