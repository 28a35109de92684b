package router

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"berth/controller/alert"
	"berth/controller/alert/beat"
	"berth/controller/alert/channel"
	"berth/controller/app"
	"berth/controller/backup/hook"
	"berth/controller/egress"
	"berth/controller/label"
	"berth/controller/logs"
	"berth/controller/problem"
	"berth/controller/registries"
	"berth/controller/remote"
	"berth/controller/retention"
	"berth/controller/tagwatch"
)

// limitedPage is a form that did not fit in the limit on all requests, to be sent
// again as it was.
type limitedPage struct {
	frame
	Action    string
	Multipart bool
	Kept      []hiddenField
	Asked     []askedField
	Files     []string // names of the fields that held files
}

// askedField is a secret that is typed again.
type askedField struct {
	Name string
	Long bool // had several lines
}

// signInBody is the most that a form may carry that is shown again to somebody
// who is not signed in.
const signInBody = 16 << 10

// plainFields are the fields of forms that are shown again. Any other may hold a
// secret, and is typed again.
var plainFields = map[string]bool{
	"account": true, "action": true, "app": true, "allow": true, "anyway": true, "authority": true, "budget": true, "burst": true,
	"chain": true, "challenge": true, "class": true, "confirm": true, "csp": true, "dashboard": true, "dashboard_host": true,
	"dashboard_user": true, "days": true, "description": true, "directory": true, "dns_provider": true, "email": true, "encoded_paths": true,
	"force_https": true, "frame_options": true, "from": true, "generate": true, "home": true, "host": true, "hsts": true,
	"http3": true, "id": true, "kind": true, "max_body": true, "name": true, "no_slash_redirect": true, "no_sniff": true,
	"old": true, "on": true, "path": true, "period": true, "permissions_policy": true, "rate": true, "redirect": true,
	"referrer_policy": true, "release": true, "remove": true, "reset": true, "scope": true, "session": true, "source": true,
	"subject": true, fieldTheme: true, "take_over": true, "to": true, "trust": true, "trusted_proxies": true, "user": true, "username": true, "who": true, diffWith: true, "dry_run": true,
	retention.FieldReleases: true, retention.FieldAudit: true, retention.FieldLogs: true,
	retention.FieldPulled: true, retention.FieldCache: true, retention.FieldCacheGB: true, retention.FieldOutput: true,
	logs.FieldText: true, logs.FieldPattern: true, logs.FieldLevel: true, logSince: true, logUntil: true, retention.FieldEvents: true,
	"access_key": true, "bucket": true, "daily": true, "endpoint": true, "keep": true, "monthly": true, "prefix": true,
	"recipients": true, "region": true, "scheduled": true, "skipped": true, fieldDrill: true, "time": true, "weekly": true, "zone": true,
	"count": true, "cpu": true, "outcome": true, "processes": true, "unpack": true, "next": true, "place": true, "duplicate_name": true, "duplicate_route": true, "new_name": true, "redirect_former": true,

	fieldRoute: true, fieldService: true, fieldPort: true, fieldVolume: true, fieldTarget: true, fieldReadOnly: true, fieldImage: true,
	fieldMemory: true, fieldDockerfile: true, fieldQuota: true, fieldWritableRoot: true, fieldFallback: true, fieldDatabase: true, fieldServices: true, fieldPlain: true, fieldBuild: true,
	fieldPublicPort: true, fieldPortService: true, fieldPortTarget: true,
	app.FieldReady: true, app.FieldReadyPath: true, app.FieldReadyStatus: true, app.FieldStartTime: true, app.FieldScheme: true,
	app.FieldMain: true, app.FieldProfiles: true, app.FieldCompose: true, app.FieldVolumes: true, app.FieldDotenv: true,
	app.FieldImageVolumes: true, app.FieldRootStart: true, app.FieldBound: true, fieldServiceRoutes: true,
	alert.FieldWatch: true, alert.FieldApps: true, alert.FieldThreshold: true, alert.FieldClear: true, alert.FieldFor: true, alert.FieldPause: true,
	beat.FieldMinutes: true, beat.FieldMethod: true, alert.FieldQuiet: true, alert.FieldZone: true, fieldQuietTo: true, fieldTellOver: true, fieldChannel: true,
	channel.FieldAddress: true, channel.FieldTo: true, channel.FieldFrom: true, channel.FieldUser: true, channel.FieldTLS: true, channel.FieldPrivate: true,
	hook.FieldService: true, fieldHookOffer: true, egress.FieldMode: true, egress.FieldHosts: true, fieldEgressHost: true, fieldBranch: true, fieldFolder: true,
	remote.FieldAddress: true, remote.FieldHostKey: true, fieldWebhookOn: true, fieldWebhookBranch: true, fieldWebhookFolder: true, fieldWebhookDropToken: true, fieldDropStatusToken: true, tagwatch.FieldOn: true, tagwatch.FieldMinutes: true,
	fieldVersion: true, registries.FieldHost: true, fieldWebhookProvider: true, fieldView: true, fieldState: true, fieldSort: true, fieldTag: true, fieldProject: true, label.FieldTags: true,
}

// isPlainField reports whether a field of the form that is sent to path is shown
// again. The text of a maintenance page is for all to read, that of an environment is not.
func isPlainField(path, name string) bool {
	return plainFields[name] || isRouteRow(name) || name == "text" && strings.HasSuffix(path, "/maintenance")
}

// keepsForm reports whether a request over the limit on all requests goes on as far
// as its form: a person of this server sent it, or somebody who signs in.
func (a *admin) keepsForm(v *visit) bool {
	r := v.request()
	if r.Method != http.MethodPost || v.gin.FullPath() == "" || v.wantsJSON() || normalHost(r.Host) != a.host || crossOrigin.Check(r) != nil {
		return false
	}
	if a.sessionSubject(r) != "" {
		return true
	}
	signsIn := v.gin.FullPath() == "/login" || v.gin.FullPath() == loginCodePath
	return signsIn && r.ContentLength >= 0 && r.ContentLength <= signInBody
}

// overLimit refuses a form that went on although it was over the limit on all requests.
func (v *visit) overLimit() error {
	waiting, _ := v.gin.Get(limitedKey)
	err, limited := waiting.(error)
	if !limited {
		return nil
	}
	if v.route.form == inStream && !v.showsAgain() {
		v.drain() // or the browser never reads why
	}
	return v.refuseLimited(err)
}

// showTyped shows what was sent as a form that can be sent again. Files are gone,
// and secrets are asked for once more.
func (a *admin) showTyped(v *visit, problem *problem.Problem) error {
	r := v.request()
	page := limitedPage{frame: v.frame("Too many requests"), Action: r.URL.RequestURI()}
	page.Problem = problem
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		for _, value := range r.PostForm[name] {
			switch {
			case name == formField:
			case value == "" || isPlainField(v.route.path, name):
				page.Kept = append(page.Kept, hiddenField{name, value})
			default:
				page.Asked = append(page.Asked, askedField{name, strings.Contains(value, "\n")})
			}
		}
	}
	if r.MultipartForm != nil {
		page.Multipart = true
		page.Files = slices.Sorted(maps.Keys(r.MultipartForm.File))
	}
	return v.page(http.StatusTooManyRequests, "limited", page)
}

// Words is the name of the field for people.
func (f hiddenField) Words() string { return fieldWords(f.Name) }

// Words is the name of the field for people.
func (f askedField) Words() string { return fieldWords(f.Name) }

// Start is as much of the value as the page shows; all of it is sent.
func (f hiddenField) Start() string {
	const most = 200 // letters
	if letters := []rune(f.Value); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return f.Value
}

func fieldWords(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(words[:min(1, len(words))]) + words[min(1, len(words)):]
}
