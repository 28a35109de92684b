// Package docs holds the guides that the admin app shows at /help.
package docs

import "embed"

// Guides are the guides as Markdown, and the files that they link to.
//
//go:embed alerts.md backups.md cli.md egress.md git.md https.md import.md logs.md metrics.md ports.md webhooks.md grafana.json
var Guides embed.FS
