package channel

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"berth/controller/secret"
)

// email sends through a mail server.
type email struct {
	Settings
	password secret.Text
	dial     Dial
}

// How a mail server is reached.
const (
	StartTLS = "starttls" // encrypted after a greeting; a server without it is refused
	TLS      = "tls"      // encrypted from the first byte
	NoTLS    = "none"     // plain text: for a server on a network of one's own; without a password
)

// Send sends the message as plain text to all recipients.
func (e email) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	client, err := e.client(ctx)
	if err != nil {
		return failure(err, e.password)
	}
	message, err := e.message(m)
	if err != nil {
		return failure(err, e.password)
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return failure(err, e.password)
	}
	return nil
}

// client returns a client whose connection ends with ctx: go-mail renews its own deadline
// with each command.
func (e email) client(ctx context.Context) (*mail.Client, error) {
	host, text, err := net.SplitHostPort(e.Address)
	if err != nil {
		return nil, errors.New("the address of the mail server is not host:port")
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, errors.New("the port of the mail server is not a number")
	}
	dial := func(dialing context.Context, network, _ string) (net.Conn, error) {
		connection, err := e.dial(dialing, network, e.Address) // go-mail joins host and port without the brackets of IPv6
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = connection.Close() })
		return &meteredConn{Conn: connection, left: mostAnswer}, nil
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(sendTimeout), mail.WithHELO("berth"), mail.WithDialContextFunc(dial)}
	switch e.TLS {
	case TLS:
		options = append(options, mail.WithSSL(), mail.WithDialContextFunc(tlsOver(dial, host)))
	case NoTLS:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if e.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(e.User), mail.WithPassword(e.password.Reveal()))
	}
	return mail.NewClient(host, options...)
}

func (e email) message(m Message) (*mail.Msg, error) {
	message := mail.NewMsg()
	if err := message.From(e.From); err != nil {
		return nil, errors.New("the sender is not an e-mail address")
	}
	if err := message.To(Recipients(e.To)...); err != nil {
		return nil, errors.New("a recipient is not an e-mail address")
	}
	message.Subject(bounded("Berth: "+strings.Join(strings.Fields(m.Title), " "), 200))
	message.SetMessageIDWithValue(m.ID + "@berth")
	message.SetDateWithValue(m.At)
	message.SetBodyString(mail.TypeTextPlain, m.whole()+"\n")
	return message, nil
}

// Recipients are the addresses of a list with commas or spaces between.
func Recipients(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == ';' || r == '\n' || r == '\r' })
}
