package router

import (
	"net/http"
	"time"

	"berth/controller/problem"
	"berth/templates"
)

type sessionsPage struct {
	frame
	Sessions []sessionRow
	Idle     string // how long a session holds without use
	Absolute string // and from its beginning
}

// sessionRow is one of a person's own sessions.
type sessionRow struct {
	Hash      string // names it in the form; it does not open it
	Device    string
	UserAgent string
	Address   string
	CreatedAt time.Time
	SeenAt    time.Time
	Mine      bool // the one that asks
}

// showSessions lists where the person is signed in.
func (a *admin) showSessions(v *visit) error {
	sessions, err := a.sessions.list(v.context(), v.caller.account.ID)
	if err != nil {
		return err
	}
	life := a.sessions.life
	page := sessionsPage{frame: v.frame("Sessions"), Idle: wholeSpan(life.Idle), Absolute: wholeSpan(life.Absolute)}
	page.Section, page.Tab = "settings", "sessions"
	mine := hashID(v.session().ID())
	for _, one := range sessions {
		page.Sessions = append(page.Sessions, sessionRow{
			Hash: one.Hash, Device: device(one.UserAgent), UserAgent: one.UserAgent, Address: one.Address,
			CreatedAt: one.CreatedAt, SeenAt: one.SeenAt, Mine: one.Hash == mine,
		})
	}
	return v.page(http.StatusOK, "sessions", page)
}

// Others reports whether there is a session beside the one that asks.
func (p sessionsPage) Others() bool { return len(p.Sessions) > 1 }

// wholeSpan gives a configured duration in its largest whole unit.
func wholeSpan(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return plural(int(d/(24*time.Hour)), "day")
	case d%time.Hour == 0:
		return plural(int(d/time.Hour), "hour")
	case d%time.Minute == 0:
		return plural(int(d/time.Minute), "minute")
	default:
		return templates.Span(d)
	}
}

// deleteSession ends one of the person's own sessions; their own present one is a sign-out.
func (a *admin) deleteSession(v *visit) error {
	hash := v.request().PostForm.Get("session")
	v.done.resource = "session of " + v.caller.account.Name
	if hash == hashID(v.session().ID()) {
		return a.createLogout(v)
	}
	err := a.sessions.ledger.DeleteSessionOf(v.context(), v.caller.account.ID, hash)
	if isMissing(err) {
		return problem.NotFound("This session has ended already.", "Look at the list again.").Because(err)
	}
	if err != nil {
		return err
	}
	if err := v.notify("The session has ended."); err != nil {
		return err
	}
	return v.seeOther("/settings/sessions")
}

// deleteOtherSessions ends all sessions of the person but this one.
func (a *admin) deleteOtherSessions(v *visit) error {
	v.done.resource = "other sessions of " + v.caller.account.Name
	err := a.sessions.ledger.DeleteOtherSessionsOf(v.context(), v.caller.account.ID, hashID(v.session().ID()))
	if err != nil {
		return err
	}
	if err := v.notify("Every other session has ended."); err != nil {
		return err
	}
	return v.seeOther("/settings/sessions")
}
