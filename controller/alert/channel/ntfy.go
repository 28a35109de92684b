package channel

import "context"

// ntfy publishes to a topic of an ntfy server; a token is optional.
type ntfy struct {
	post
	Settings
}

const mostNtfy = 1300 // letters, which are at most 4,096 bytes

// Send publishes the message as JSON, so that nothing of it is in a header.
func (n ntfy) Send(ctx context.Context, m Message) error {
	var headers [][2]string
	if n.secret != "" {
		headers = append(headers, [2]string{"Authorization", "Bearer " + n.secret.Reveal()})
	}
	message := map[string]any{"topic": n.To, "title": bounded(m.Title, 200), "message": bounded(m.body(), mostNtfy), "priority": priority(m, 3, 4), "markdown": false}
	if m.URL != "" {
		message["click"] = m.URL
	}
	return n.json(ctx, n.Address, message, headers...)
}

// priority is high for what fires.
func priority(m Message, normal, high int) int {
	if m.Type == Firing || m.Type == Digest {
		return high
	}
	return normal
}
