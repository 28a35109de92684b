package channel

import (
	"cmp"
	"context"
	"strings"
)

// pushover sends as an application of Pushover, with its token, to a user or a group.
type pushover struct {
	post
	Settings
}

const pushoverServer = "https://api.pushover.net"

// Send posts the message; without html it is plain text.
func (p pushover) Send(ctx context.Context, m Message) error {
	message := map[string]any{
		"token": p.secret.Reveal(), "user": p.To, "title": bounded(m.Title, 250), "message": cmp.Or(bounded(m.body(), 1024), m.Title), "priority": priority(m, 0, 1),
	}
	if m.URL != "" && len(m.URL) <= 512 {
		message["url"], message["url_title"] = m.URL, "Open in Berth"
	}
	return p.json(ctx, strings.TrimSuffix(cmp.Or(p.Address, pushoverServer), "/")+"/1/messages.json", message)
}
