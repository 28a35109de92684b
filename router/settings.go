package router

// settingsTab is one page of the settings.
type settingsTab struct {
	Name  string // what a page's frame.Tab names
	Path  string
	Label string
}

// settingsTabs are the pages of the settings in the order in which they are shown.
var settingsTabs = []settingsTab{
	{"account", "/settings/account", "Account"},
	{"sessions", "/settings/sessions", "Sessions"},
	{"tokens", "/settings/tokens", "API tokens"},
	{"accounts", "/settings/accounts", "Accounts"},
	{"domains", hostsPath, "Domains"},
	{"certificates", "/settings/certificates", "Certificates"},
	{"proxy", "/settings/proxy", "Proxy"},
	{"limits", "/settings/limits", "Rate limits"},
	{"audit", "/settings/audit", "Audit log"},
}

// Tabs are the pages of the settings, for the layout.
func (frame) Tabs() []settingsTab { return settingsTabs }

// showSettings opens the first page of the settings.
func (a *admin) showSettings(v *visit) error { return v.seeOther(settingsTabs[0].Path) }
