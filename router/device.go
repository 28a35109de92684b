package router

import "strings"

// What a user agent holds, the first that fits: the later ones are also in the
// names of those before, because browsers claim to be each other.
var (
	browsers = []struct{ sign, name string }{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"Vivaldi/", "Vivaldi"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"DuckDuckGo/", "DuckDuckGo"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"HeadlessChrome/", "Chrome without a window"},
		{"CriOS/", "Chrome"},
		{"Chromium/", "Chromium"},
		{"Chrome/", "Chrome"},
		{"Version/", "Safari"},
		{"curl/", "curl"},
		{"Wget/", "Wget"},
		{"python-", "Python"},
		{"Go-http-client/", "a Go program"},
	}
	systems = []struct{ sign, name string }{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"CrOS", "ChromeOS"},
		{"Windows", "Windows"},
		{"Macintosh", "macOS"},
		{"Linux", "Linux"},
		{"FreeBSD", "FreeBSD"},
		{"OpenBSD", "OpenBSD"},
	}
)

// device says in words what a user agent claims to be, such as "Firefox on
// Linux". It is a hint for a person: anybody can send any user agent.
func device(userAgent string) string {
	browser, system := "", ""
	for _, known := range browsers {
		if strings.Contains(userAgent, known.sign) {
			browser = known.name
			break
		}
	}
	for _, known := range systems {
		if strings.Contains(userAgent, known.sign) {
			system = known.name
			break
		}
	}
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "":
		return strings.ToUpper(browser[:1]) + browser[1:]
	case system != "":
		return "A browser on " + system
	default:
		return "Unknown device"
	}
}
