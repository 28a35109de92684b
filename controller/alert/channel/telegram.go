package channel

import (
	"cmp"
	"context"
	"strings"
)

// telegram sends as a bot; the bot's token is in the path.
type telegram struct {
	post
	Settings
}

const (
	telegramServer = "https://api.telegram.org"
	mostTelegram   = 4096 // letters
)

// Send sends the message without a parse mode: nothing in it is markup.
func (t telegram) Send(ctx context.Context, m Message) error {
	to := strings.TrimSuffix(cmp.Or(t.Address, telegramServer), "/") + "/bot" + t.secret.Reveal() + "/sendMessage"
	return t.json(ctx, to, map[string]any{
		"chat_id": t.To, "text": bounded(m.whole(), mostTelegram), "link_preview_options": map[string]any{"is_disabled": true},
	})
}
