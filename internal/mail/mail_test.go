package mail_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"ringback/internal/config"
	"ringback/internal/mail"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// server takes one mail by SMTP (RFC 5321) and gives what it was told; refuse is the answer to RCPT, "" for a good one.
func server(t *testing.T, refuse string) (port int, told <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	lines := make(chan string, 1)
	go func() {
		defer close(lines)
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = connection.Close() }()
		say := func(line string) { _, _ = fmt.Fprintf(connection, "%s\r\n", line) }
		say("220 ready")
		var all strings.Builder
		inData := false
		for in := bufio.NewScanner(connection); in.Scan(); {
			line := in.Text()
			all.WriteString(line + "\n")
			switch {
			case inData && line == ".":
				inData = false
				say("250 taken")
			case inData:
			case strings.HasPrefix(line, "RCPT") && refuse != "":
				say(refuse)
			case line == "DATA":
				inData = true
				say("354 go on")
			case line == "QUIT":
				say("221 bye")
				lines <- all.String()
				return
			default:
				say("250 OK")
			}
		}
		lines <- all.String()
	}()
	return listener.Addr().(*net.TCPAddr).Port, lines
}

func settings(port int) config.Mail {
	return config.Mail{
		Host: "127.0.0.1", Port: port, TLS: config.MailPlain,
		From: "alerts@example.com", To: []string{"a@example.com", "b@example.com"},
	}
}

func TestSender_SendsToEverybody(t *testing.T) {
	t.Parallel()
	port, told := server(t, "")
	send, err := mail.Sender(settings(port))
	require.NoError(t, err)
	require.NoError(t, send(t.Context(), "acme needs attention", "The token is refused."))
	got := <-told
	for _, want := range []string{
		"MAIL FROM:<alerts@example.com>", "RCPT TO:<a@example.com>", "RCPT TO:<b@example.com>",
		"Subject: acme needs attention", "The token is refused.",
	} {
		assert.Contains(t, got, want)
	}
}

func TestSender_ErrorNamesNoAddress(t *testing.T) {
	t.Parallel()
	port, _ := server(t, "550 a@example.com is not known here")
	send, err := mail.Sender(settings(port))
	require.NoError(t, err)
	err = send(t.Context(), "subject", "text")
	require.ErrorContains(t, err, "the mail server 127.0.0.1 did not take the mail: status 550")
	assert.NotContains(t, err.Error(), "example.com")
}

func TestSender_NoneWithoutAServer(t *testing.T) {
	t.Parallel()
	send, err := mail.Sender(config.Mail{})
	require.NoError(t, err)
	assert.Nil(t, send)
}
