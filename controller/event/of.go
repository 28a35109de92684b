package event

import (
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/audit"
)

// OfRelease returns the event of a release that enters a state.
func OfRelease(id app.ReleaseID, state app.ReleaseState, reason string) (Event, bool) {
	kind, ok := map[app.ReleaseState]Kind{
		app.ReleaseLive: ReleaseLive, app.ReleaseFailed: ReleaseFailed, app.ReleaseCancelled: ReleaseCancelled,
	}[state]
	return Event{Kind: kind, App: string(id.App), Release: id.Number, Detail: reason}, ok
}

// OfObserved returns the event of an app that is seen otherwise than before. An app that
// waits for its first release has none: its release tells.
func OfObserved(name app.Name, before, now app.Observed) (Event, bool) {
	event := Event{At: now.At, App: string(name), Detail: now.Detail}
	changed := before.State != now.State
	switch now.State {
	case app.Crashing:
		event.Kind = AppRestarted
		if strings.Contains(now.Detail, app.OutOfMemory) {
			event.Kind = AppOutOfMemory
		}
		return event, changed || before.Detail != now.Detail // once for each restart
	case app.Down:
		event.Kind = AppDown
		if strings.Contains(now.Detail, app.EndedWithCode) {
			event.Kind = AppExited
		}
	case app.Unhealthy:
		event.Kind = AppUnhealthy
	case app.Stopped:
		event.Kind = AppStopped
	case app.Running:
		event.Kind = AppRunning
		changed = changed && (before.State == app.Crashing || before.State == app.Down || before.State == app.Unhealthy)
	default:
		return Event{}, false
	}
	return event, changed
}

// told are the actions that the ledger's own rows tell, or that change nothing.
var told = map[audit.Action]bool{
	audit.ActionReleaseLive: true, audit.ActionReleaseFailed: true, audit.ActionLogout: true, audit.ActionAccessDenied: true,
	audit.ActionHostCheck: true, audit.ActionChecklistCheck: true, audit.ActionProbeRun: true, audit.ActionBackupStart: true,
	audit.ActionReleaseArchive: true, audit.ActionAuditExport: true, audit.ActionAuditVerify: true, audit.ActionAuditRepair: true, audit.ActionAuditCut: true,
	audit.ActionRateLimitExceeded: true, audit.ActionSecondFactorFailure: true,
}

const loginLimit = "limit login" // the resource of a sign-in over its limit

// OfAudit returns the event of what a person or a token did.
func OfAudit(done audit.Event) (Event, bool) {
	event := Event{At: done.At, Account: done.Account, Detail: done.Detail}
	event.App, event.Release = named(done.Resource)
	switch {
	case done.Action == audit.ActionBackupEnd:
		event.Kind = either(done.Success, BackupDone, BackupFailed)
	case done.Action == audit.ActionBrokerRefusal:
		event.Kind = BrokerRefusal
	case done.Action == audit.ActionLoginSuccess, done.Action == audit.ActionLoginFailure:
		event.Kind = either(done.Success, SignIn, SignInFailed)
		event.Detail = strings.TrimSpace("from " + done.Address + " " + done.Detail)
	case done.Action == audit.ActionRateLimitExceeded && strings.HasPrefix(done.Resource, loginLimit):
		event.Kind, event.Detail = SignInLocked, strings.TrimSpace("from "+done.Address+" "+done.Detail)
	case !done.Success || told[done.Action]:
		return Event{}, false
	default:
		event.Kind, event.Detail = Change, changeWords(done)
	}
	return event, true
}

func either(success bool, good, bad Kind) Kind {
	if success {
		return good
	}
	return bad
}

// changeWords says a change in one line, such as "App settings, app shop: memory 512 MB".
func changeWords(done audit.Event) string {
	words := strings.ReplaceAll(strings.ToLower(string(done.Action)), "_", " ")
	if words != "" {
		words = strings.ToUpper(words[:1]) + words[1:]
	}
	if done.Resource != "" {
		words += ", " + done.Resource
	}
	if done.Detail != "" {
		words += ": " + done.Detail
	}
	return words
}

// named returns the app and the release that the resource of an audit entry names.
func named(resource string) (name string, release int64) {
	kind, rest, _ := strings.Cut(resource, " ")
	name, number, _ := strings.Cut(rest, " r")
	if kind != "app" && kind != "release" || name == "" || strings.Contains(name, " ") {
		return "", 0
	}
	release, _ = strconv.ParseInt(number, 10, 64)
	return name, release
}
