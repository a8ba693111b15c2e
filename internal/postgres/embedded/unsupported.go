//go:build !unix

package embedded

import (
	"context"
	"errors"
)

// Server is a running PostgreSQL server. None runs on this system.
type Server struct{}

// Start returns an error: this system is not one that the embedded server runs on.
func Start(context.Context, Options) (*Server, error) {
	return nil, errors.New("the embedded Postgres runs on Linux, macOS and BSD alone: set database.url to a server of your own")
}

// URL is the connection string of the program's database.
func (s *Server) URL() string { return "" }

// Owned reports whether this process runs the server.
func (s *Server) Owned() bool { return false }

// Stop does nothing.
func (s *Server) Stop(context.Context) error { return nil }
