// Package channel brings messages to people: by e-mail, webhook, Discord, Slack, Telegram, ntfy, Gotify and Pushover.
//
// Names and lines of a message come from strangers. Each channel writes them so that
// they are text and nothing else, and calls nobody by name.
package channel

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"berth/controller/secret"
)

// Kind is how messages are brought.
type Kind string

// The kinds.
const (
	Email    Kind = "email"
	Webhook  Kind = "webhook"
	Discord  Kind = "discord"
	Slack    Kind = "slack"
	Telegram Kind = "telegram"
	Ntfy     Kind = "ntfy"
	Gotify   Kind = "gotify"
	Pushover Kind = "pushover"
)

// The bounds of every channel.
const (
	sendTimeout = 10 * time.Second
	mostAnswer  = 64 << 10 // bytes of an answer, headers and body each
)

// Settings say where messages go. They hold no secret.
type Settings struct {
	Kind    Kind   `json:"kind"`
	Address string `json:"address,omitempty"` // a URL; of e-mail, host:port
	To      string `json:"to,omitempty"`      // recipients, chat, topic or user
	From    string `json:"from,omitempty"`    // of e-mail
	User    string `json:"user,omitempty"`    // of e-mail
	TLS     string `json:"tls,omitempty"`     // of e-mail: starttls, tls or none
	Private bool   `json:"private,omitempty"` // addresses of private networks may be reached
}

// Type says what a message is about.
type Type string

// The types of messages.
const (
	Firing Type = "firing"
	Over   Type = "over"
	Digest Type = "digest" // what still fires at the end of quiet hours
	Test   Type = "test"
)

// Message is what is brought. Receivers that get an ID twice may drop the second.
type Message struct {
	ID    string    `json:"id"`
	Type  Type      `json:"type"`
	At    time.Time `json:"at"`
	Title string    `json:"title"`
	Lines []string  `json:"lines"`
	URL   string    `json:"url,omitempty"` // leads into the admin app
}

// Dial connects to an address, or refuses it.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Channel brings one message, within 10 s. Its errors are safe to show.
type Channel interface {
	Send(context.Context, Message) error
}

// Open returns the channel of checked settings. It connects to nothing.
func Open(s Settings, key secret.Text, dial Dial) Channel {
	out := post{dial: dial, secret: key}
	switch s.Kind {
	case Email:
		return email{s, key, dial}
	case Webhook:
		return webhook{out, s.Address}
	case Discord:
		return discord{out}
	case Slack:
		return slack{out}
	case Telegram:
		return telegram{out, s}
	case Ntfy:
		return ntfy{out, s}
	case Gotify:
		return gotify{out, s.Address}
	case Pushover:
		return pushover{out, s}
	}
	return unknown(s.Kind)
}

type unknown Kind

// Send refuses: settings that were checked have a kind.
func (u unknown) Send(context.Context, Message) error { return fmt.Errorf("there is no channel %q", u) }

// body is the lines of a message as plain text.
func (m Message) body() string { return strings.Join(m.Lines, "\n") }

// whole is a message as plain text with its link.
func (m Message) whole() string {
	return strings.Join(append(append([]string{m.Title}, m.Lines...), m.links()...), "\n")
}

func (m Message) links() []string {
	if m.URL == "" {
		return nil
	}
	return []string{m.URL}
}

// bounded is text of at most so many letters.
func bounded(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return string(letters[:most-1]) + "…"
}
