package channel

import (
	"context"
	"strings"
)

// slack posts to an incoming webhook; its address is the secret.
type slack struct{ post }

const mostSlack = 3000 // letters of a block

var slackMarkup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Send posts the message. Blocks of plain text have no markup and no mentions.
func (s slack) Send(ctx context.Context, m Message) error {
	plain := func(text string) map[string]any {
		return map[string]any{"type": "section", "text": map[string]any{"type": "plain_text", "text": bounded(text, mostSlack), "emoji": false}}
	}
	blocks := []any{plain(m.Title)}
	if text := m.body(); text != "" {
		blocks = append(blocks, plain(text))
	}
	if m.URL != "" {
		blocks = append(blocks, map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": "<" + slackMarkup.Replace(m.URL) + "|Open in Berth>"}})
	}
	return s.json(ctx, s.secret.Reveal(), map[string]any{
		"text": slackMarkup.Replace(bounded(m.Title, mostSlack)), "mrkdwn": false, "unfurl_links": false, "unfurl_media": false, "blocks": blocks,
	})
}
