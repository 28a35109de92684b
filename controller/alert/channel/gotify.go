package channel

import (
	"context"
	"strings"
)

// gotify sends as an application of a Gotify server, with its token.
type gotify struct {
	post
	address string
}

// Send posts the message as plain text.
func (g gotify) Send(ctx context.Context, m Message) error {
	extras := map[string]any{"client::display": map[string]any{"contentType": "text/plain"}}
	if m.URL != "" {
		extras["client::notification"] = map[string]any{"click": map[string]any{"url": m.URL}}
	}
	return g.json(ctx, strings.TrimSuffix(g.address, "/")+"/message", map[string]any{
		"title": bounded(m.Title, 200), "message": bounded(m.body(), 4000), "priority": priority(m, 4, 8), "extras": extras,
	}, [2]string{"X-Gotify-Key", g.secret.Reveal()})
}
