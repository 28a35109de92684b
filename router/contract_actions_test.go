package router

import (
	"strings"
	"testing"
)

// pageActions are what a person can do on a page, with the row of the API that does the
// same. Those that begin with "only" belong to a browser alone, with the reason.
//
// Those that begin with "open" have no row yet.
var pageActions = map[string]string{
	"/git/:repository/git-receive-pack": "only: it is git's",

	"/settings/alerts/channels":               "POST /api/v1/alerts/channels",
	"/settings/alerts/channels/:id":           "PUT /api/v1/alerts/channels/:id",
	"/settings/alerts/channels/:id/remove":    "DELETE /api/v1/alerts/channels/:id",
	"/settings/alerts/channels/:id/test":      "POST /api/v1/alerts/channels/:id/test",
	"/settings/alerts/rules":                  "POST /api/v1/alerts/rules",
	"/settings/alerts/rules/:id":              "PUT /api/v1/alerts/rules/:id",
	"/settings/alerts/rules/:id/remove":       "DELETE /api/v1/alerts/rules/:id",
	"/settings/alerts/rules/:id/mute":         "POST /api/v1/alerts/rules/:id/mute",
	"/settings/alerts/rules/:id/unmute":       "POST /api/v1/alerts/rules/:id/unmute",
	"/settings/alerts/heartbeat":              "PUT /api/v1/alerts/heartbeat",
	"/settings/alerts/heartbeat/test":         "POST /api/v1/alerts/heartbeat/test",
	"/settings/alerts/heartbeat/remove":       "DELETE /api/v1/alerts/heartbeat",
	"/settings/backups/drill":                 "POST /api/v1/backups/drill",
	"/admin/apps/:name/backup-hook":           "PUT /api/v1/apps/:name/backup-hook",
	"/admin/apps/:name/move/end":              "DELETE /api/v1/apps/:name/move",
	"/admin/apps/:name/duplicate":             "POST /api/v1/apps/:name/duplicate",
	"/admin/apps/:name/rename":                "POST /api/v1/apps/:name/rename",
	"/admin/apps/:name/labels":                "PATCH /api/v1/apps/:name",
	"/admin/apps/:name/push":                  "PATCH /api/v1/apps/:name/push",
	"/admin/apps/:name/webhook":               "PATCH /api/v1/apps/:name/webhook",
	"/admin/apps/:name/image-tag":             "PUT /api/v1/apps/:name/image-tag",
	"/admin/apps/:name/image-tag/check":       "POST /api/v1/apps/:name/image-tag/check",
	"/admin/apps/:name/image-tag/hook":        "POST /api/v1/apps/:name/image-tag/hook",
	"/admin/apps/:name/image-tag/hook/remove": "DELETE /api/v1/apps/:name/image-tag/hook",
	"/admin/apps/:name/webhook/fetch":         "POST /api/v1/apps/:name/webhook/fetch",
	"/admin/apps/:name/webhook/renew":         "POST /api/v1/apps/:name/webhook/renew",
	"/hooks/:id":                              "only: it is the git host's",
	"/hooks/images/:id":                       "only: it is the registry's",

	"/login":      "only: the session is the browser's",
	"/login/code": "only: the session is the browser's",
	"/logout":     "only: the session is the browser's",
	"/password":   "only: a token has no password",

	"/settings/second-factor/begin":          "only: it is that of the person who is signed in",
	"/settings/second-factor/confirm":        "only: it is that of the person who is signed in",
	"/settings/second-factor/disable":        "only: it is that of the person who is signed in",
	"/settings/second-factor/codes":          "only: it is that of the person who is signed in",
	"/settings/second-factor/codes/download": "only: it is that of the person who is signed in",
	"/settings/second-factor/decline":        "only: it is that of the person who is signed in",

	"/settings/accounts":                               "only: who makes an account gets past the scope and the end of a token",
	"/settings/accounts/:account/reset":                "only: who resets a password gets past the scope and the end of a token",
	"/settings/accounts/:account/remove-second-factor": "only: it would help who resets a password",
	"/settings/tokens":                                 "only: a token makes no other one",
	"/settings/backups/key":                            "only: the private half is for a person's eyes, and age-keygen makes one too",

	"/settings/accounts/:account/remove": "DELETE /api/v1/accounts/:account",
	"/settings/sessions/end":             "DELETE /api/v1/accounts/:account/sessions/:session",
	"/settings/sessions/end-others":      "DELETE /api/v1/accounts/:account/sessions",
	"/settings/tokens/:id/revoke":        "DELETE /api/v1/tokens/:id",
	"/settings/keys":                     "POST /api/v1/keys",
	"/settings/keys/:id/remove":          "DELETE /api/v1/keys/:id",
	"/settings/registries":               "PUT /api/v1/registries/:host",
	"/settings/registries/:host/test":    "POST /api/v1/registries/:host/test",
	"/settings/registries/:host/remove":  "DELETE /api/v1/registries/:host",

	"/settings/domains/check":            "POST /api/v1/domains/check",
	"/settings/domains/home":             "PUT /api/v1/home",
	"/settings/domains/redirects":        "POST /api/v1/redirects",
	"/settings/domains/redirects/remove": "DELETE /api/v1/redirects/:host",

	"/settings/certificates/:host":            "PATCH /api/v1/certificates/:host",
	"/settings/certificates/:host/own":        "PUT /api/v1/certificates/:host/own",
	"/settings/certificates/:host/own/remove": "DELETE /api/v1/certificates/:host/own",
	"/settings/certificates/:host/again":      "POST /api/v1/certificates/:host/again",
	"/settings/proxy":                         "PATCH /api/v1/proxy",

	"/settings/disks":        "PATCH /api/v1/disks",
	"/settings/disks/clean":  "POST /api/v1/disks/clean",
	"/settings/backups":      "PUT /api/v1/backups/settings",
	"/settings/backups/now":  "POST /api/v1/backups",
	"/settings/limits":       "PUT /api/v1/limits/:class",
	"/settings/limits/clear": "POST /api/v1/limits/:class/clear",
	"/settings/audit/verify": "POST /api/v1/audit/verify",
	"/checklist/check":       "GET /api/v1/checklist",
	"/checklist/probe":       "POST /api/v1/checklist/probe",

	"/upload":                               "POST /api/v1/apps",
	"/admin/apps/:name/update":              "POST /api/v1/apps/:name/update",
	"/admin/apps/:name/start":               "POST /api/v1/apps/:name/start",
	"/admin/apps/:name/stop":                "POST /api/v1/apps/:name/stop",
	"/admin/apps/:name/restart":             "POST /api/v1/apps/:name/restart",
	"/admin/apps/:name/delete":              "DELETE /api/v1/apps/:name",
	"/admin/apps/:name/rollback":            "POST /api/v1/apps/:name/rollback",
	"/admin/apps/:name/settings":            "POST /api/v1/apps/:name/settings",
	"/admin/apps/:name/egress":              "PUT /api/v1/apps/:name/egress",
	"/admin/apps/:name/egress/allow":        "PUT /api/v1/apps/:name/egress",
	"/admin/apps/:name/environment":         "PATCH /api/v1/apps/:name/environment",
	"/admin/apps/:name/environment/import":  "PATCH /api/v1/apps/:name/environment",
	"/admin/apps/:name/environment/delete":  "PATCH /api/v1/apps/:name/environment",
	"/admin/apps/:name/environment/apply":   "POST /api/v1/apps/:name/environment/apply",
	"/admin/apps/:name/volumes":             "POST /api/v1/volumes",
	"/admin/apps/:name/mounts":              "POST /api/v1/apps/:name/mounts",
	"/admin/apps/:name/routes":              "POST /api/v1/apps/:name/routes",
	"/admin/apps/:name/routes/remove":       "POST /api/v1/apps/:name/routes/remove",
	"/admin/apps/:name/routes/check":        "POST /api/v1/domains/check",
	"/admin/apps/:name/ports":               "POST /api/v1/apps/:name/ports",
	"/admin/apps/:name/ports/remove":        "DELETE /api/v1/apps/:name/ports/:protocol/:number",
	"/admin/apps/:name/access":              "PATCH /api/v1/apps/:name/access",
	"/admin/apps/:name/access/users":        "PATCH /api/v1/apps/:name/access",
	"/admin/apps/:name/access/users/remove": "PATCH /api/v1/apps/:name/access",
	"/admin/apps/:name/access/password":     "PATCH /api/v1/apps/:name/access",
	"/admin/apps/:name/access/maintenance":  "PATCH /api/v1/apps/:name/access",

	"/admin/apps/:name/releases/:number/cancel": "POST /api/v1/apps/:name/releases/:number/cancel",
	"/admin/apps/:name/releases/:number/retry":  "POST /api/v1/apps/:name/releases/:number/retry",

	"/theme": "only: a cookie of the browser",

	"/volumes":                "POST /api/v1/volumes",
	"/volumes/:volume/upload": "PUT /api/v1/volumes/:volume/files/*path",
	"/volumes/:volume/remove": "DELETE /api/v1/volumes/:volume/files/*path",
	"/volumes/:volume/quota":  "POST /api/v1/volumes/:volume/quota",
	"/volumes/:volume/delete": "DELETE /api/v1/volumes/:volume",
}

// TestContract_EveryActionOfAPageHasARowOfTheAPI: the audit log has both under one action.
func TestContract_EveryActionOfAPageHasARowOfTheAPI(t *testing.T) {
	t.Parallel()
	rows := map[string]route{}
	for _, r := range new(admin).apiRoutes() {
		rows[r.method+" "+r.path] = r
	}
	for _, r := range new(admin).routes() {
		if r.isAPI() || r.method == get {
			continue
		}
		same := pageActions[r.path]
		row, there := rows[same]
		switch {
		case strings.HasPrefix(same, "only: "), strings.HasPrefix(same, "open: "):
		case !there:
			t.Errorf("POST %s: %q is no row of the API", r.path, same)
		case row.method != get && row.audit != r.audit:
			t.Errorf("POST %s is recorded as %s, and %s as %s", r.path, r.audit, same, row.audit)
		}
	}
}
