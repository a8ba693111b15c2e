// Package mail sends the mails that tell people of alerts.
package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringback/internal/config"

	gomail "github.com/wneessen/go-mail"
)

// sendWithin bounds the sending of one mail.
const sendWithin = 20 * time.Second

// Sender sends through the configured mail server. It returns nil when none is configured.
func Sender(c config.Mail) (func(ctx context.Context, subject, text string) error, error) {
	if c.Host == "" {
		return nil, nil
	}
	options := []gomail.Option{gomail.WithPort(c.Port), gomail.WithTimeout(sendWithin)}
	switch c.TLS {
	case config.MailTLS:
		options = append(options, gomail.WithSSL())
	case config.MailPlain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if c.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(c.Username), gomail.WithPassword(c.Password.Reveal()))
	}
	// Made once here, so that a wrong setting is known at the start.
	if _, err := gomail.NewClient(c.Host, options...); err != nil {
		return nil, fmt.Errorf("alerts.mail: %w", err)
	}
	return func(ctx context.Context, subject, text string) error {
		client, err := gomail.NewClient(c.Host, options...)
		if err != nil {
			return err
		}
		message := gomail.NewMsg()
		if err := errors.Join(message.From(c.From), message.To(c.To...)); err != nil {
			return errors.New("alerts.mail: from and to must be mail addresses")
		}
		message.Subject(subject)
		message.SetBodyString(gomail.TypeTextPlain, text)
		ctx, cancel := context.WithTimeout(ctx, sendWithin)
		defer cancel()
		return unaddressed(c.Host, client.DialAndSendWithContext(ctx, message))
	}, nil
}

// unaddressed leaves the addresses out that the server's answer may repeat.
func unaddressed(host string, err error) error {
	var refused *gomail.SendError
	if errors.As(err, &refused) {
		return fmt.Errorf("the mail server %s did not take the mail: status %d", host, refused.ErrorCode())
	}
	if err != nil {
		return fmt.Errorf("the mail server %s: %w", host, err)
	}
	return nil
}
