package router

import "net/http"

// settingsTab is one page of the settings.
type settingsTab struct {
	Name  string // what a page's frame.Tab names
	Path  string
	Label string
	About string // what is on the page, one sentence
}

// settingsGroup is the pages of the settings that belong together.
type settingsGroup struct {
	ID    string // of its heading, in the address of the list
	Label string
	Tabs  []settingsTab
}

// settingsGroups are the pages of the settings in the order in which they are shown.
var settingsGroups = []settingsGroup{
	{"you", "You", []settingsTab{
		{"account", "/settings/account", "Account", "Your password, two-factor authentication and recovery codes."},
		{"sessions", "/settings/sessions", "Sessions", "Where you are signed in. Sign out other browsers."},
		{"tokens", "/settings/tokens", "API tokens", "Tokens for the command line, the API, git push and Prometheus."},
		{"keys", keysPath, "SSH keys", "Keys that push apps with git over SSH."},
	}},
	{"team", "Team", []settingsTab{
		{"accounts", "/settings/accounts", "Accounts", "The people who may sign in."},
	}},
	{"domains", "Domains and HTTPS", []settingsTab{
		{"domains", hostsPath, "Domains", "Host names, redirects between them, and what the bare address shows."},
		{"certificates", "/settings/certificates", "Certificates", "The certificate of each host, and your own certificates."},
	}},
	{"security", "Security", []settingsTab{
		{"checklist", checklistPath, "Checklist", "What this server needs before strangers may reach it."},
		{"limits", limitsPath, "Rate limits", "How many requests, uploads and sign-ins are allowed in a time."},
		{"audit", "/settings/audit", "Audit log", "Who did what, when and from where."},
	}},
	{"server", "Server", []settingsTab{
		{"proxy", "/settings/proxy", "Proxy", "HTTPS for all apps, HTTP/3, trusted proxies and Traefik's dashboard."},
		{"alerts", alertsPath, "Alerts", "When you are told of problems, and how: mail, chat or webhook."},
		{"backups", backupsPath, "Backups", "Encrypted backups on a schedule, and proof that they can be restored."},
		{"registries", registriesPath, "Registries", "How Berth signs in to registries to pull private images."},
		{"machine", machinePath, "Machine", "The server, its versions, and what it uses over time."},
		{"disks", disksPath, "Disks", "What uses the disk, and how long releases and logs are kept."},
	}},
}

// Groups are the pages of the settings, for the layout.
func (frame) Groups() []settingsGroup { return settingsGroups }

type settingsPage struct{ frame }

// showSettings lists the pages of the settings.
func (a *admin) showSettings(v *visit) error {
	page := settingsPage{v.frame("Settings")}
	page.Section = "settings"
	return v.page(http.StatusOK, "settings", page)
}
