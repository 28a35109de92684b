package channel

import (
	"context"
	"strings"
)

// discord posts to a webhook of a Discord server; its address is the secret.
type discord struct{ post }

const mostDiscord = 2000 // letters

var discordMarkup = strings.NewReplacer(
	`\`, `\\`, `*`, `\*`, `_`, `\_`, `~`, `\~`, "`", "\\`", `|`, `\|`, `>`, `\>`, `<`, `\<`, `#`, `\#`, `-`, `\-`, `[`, `\[`, `]`, `\]`, `(`, `\(`, `)`, `\)`, `@`, "@\u200b", `:`, `\:`,
)

// Send posts the message. allowed_mentions names nobody, so no text can call anybody.
func (d discord) Send(ctx context.Context, m Message) error {
	content := "**" + discordMarkup.Replace(m.Title) + "**"
	if text := m.body(); text != "" {
		content += "\n" + discordMarkup.Replace(text)
	}
	link := strings.Join(m.links(), "")
	content = strings.TrimSpace(bounded(content, mostDiscord-len(link)-1) + "\n" + link)
	return d.json(ctx, d.secret.Reveal(), map[string]any{
		"content": content, "allowed_mentions": map[string]any{"parse": []string{}}, "flags": 1 << 2, // no previews of links
	})
}
