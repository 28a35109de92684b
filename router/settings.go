package router

// settingsTab is one page of the settings.
type settingsTab struct {
	Name  string // what a page's frame.Tab names
	Path  string
	Label string
}

// settingsGroup is the pages of the settings that belong together.
type settingsGroup struct {
	Label string
	Tabs  []settingsTab
}

// settingsGroups are the pages of the settings in the order in which they are shown.
var settingsGroups = []settingsGroup{
	{"You", []settingsTab{
		{"account", "/settings/account", "Account"},
		{"sessions", "/settings/sessions", "Sessions"},
		{"tokens", "/settings/tokens", "API tokens"},
	}},
	{"Team", []settingsTab{
		{"accounts", "/settings/accounts", "Accounts"},
	}},
	{"Domains and HTTPS", []settingsTab{
		{"domains", hostsPath, "Domains"},
		{"certificates", "/settings/certificates", "Certificates"},
	}},
	{"Security", []settingsTab{
		{"checklist", checklistPath, "Checklist"},
		{"limits", "/settings/limits", "Rate limits"},
		{"audit", "/settings/audit", "Audit log"},
	}},
	{"Server", []settingsTab{
		{"proxy", "/settings/proxy", "Proxy"},
		{"alerts", alertsPath, "Alerts"},
		{"backups", backupsPath, "Backups"},
		{"machine", machinePath, "Machine"},
		{"disks", disksPath, "Disks"},
	}},
}

// Groups are the pages of the settings, for the layout.
func (frame) Groups() []settingsGroup { return settingsGroups }

// showSettings opens the first page of the settings.
func (a *admin) showSettings(v *visit) error { return v.seeOther(settingsGroups[0].Tabs[0].Path) }
