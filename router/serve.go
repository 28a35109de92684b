package router

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"berth/controller/docker"
	"berth/controller/problem"
)

// serve is the one adapter between Gin and the handlers: it checks access, calls
// the handler, and renders and logs what went wrong.
func (a *admin) serve(r route) gin.HandlerFunc {
	return func(c *gin.Context) {
		v := &visit{gin: c, admin: a, route: r, refund: func() {}}
		v.nameOrigin()
		defer v.end()
		err := errPanicked
		defer func() { a.recordAction(v, err) }() // also of a handler that panics
		if err = a.admit(v); err == nil {
			err = errPanicked
			err = a.handle(v)
		}
		if err != nil {
			a.refuse(v, v.blame(asProblem(err)))
		}
		v.settleLimit()
	}
}

func (a *admin) handle(v *visit) error {
	if v.route.stream {
		return a.handleStream(v)
	}
	if err := a.checkVersion(v); err != nil {
		return err
	}
	if good, err := a.checkSeen(v); err != nil || !good {
		return err
	}
	return v.route.handle(v)
}

// refuse answers with the problem in the form that the caller understands.
func (a *admin) refuse(v *visit, fault *problem.Problem) {
	a.logProblem(v, fault)
	if v.gin.Writer.Written() {
		return // a stream that broke: its status is gone already
	}
	switch {
	case isGit(v.request()):
		v.gitProblem(fault)
	case v.wantsJSON():
		v.problemJSON(fault)
	case v.route.stream:
		v.gin.String(statusOf(fault.Kind), "%s\n", fault.Message)
	case errors.Is(fault, errMustChange):
		_ = v.seeOther("/password")
	case fault.Kind == problem.KindUnauthorized && !v.route.access.public && arrivesFromElsewhere(v.request()):
		_ = v.page(http.StatusOK, "arrival", nil)
	case fault.Kind == problem.KindUnauthorized && !v.route.access.public:
		_ = v.seeOther(loginPath(v.request()))
	case fault.Kind == problem.KindLimited && v.showsAgain():
		if err := v.route.again(v, fault); err != nil {
			a.showProblem(v, fault)
		}
	case fault.Kind == problem.KindLimited && v.caller.signedIn() && v.request().PostForm != nil:
		if err := a.showTyped(v, fault); err != nil {
			a.showProblem(v, fault)
		}
	default:
		a.showProblem(v, fault)
	}
}

// showNothing answers a request that has no line in the table.
func (a *admin) showNothing(c *gin.Context) {
	v := &visit{gin: c, admin: a, route: route{access: public}}
	a.refuse(v, notFound("There is no page at this address.", nil))
}

// logProblem writes what the person does not see. What they did themselves is
// no warning.
func (a *admin) logProblem(v *visit, fault *problem.Problem) {
	level := slog.LevelInfo
	if fault.Kind == problem.KindInternal || fault.Kind == problem.KindUnavailable || fault.Kind == problem.KindFull {
		level = slog.LevelError
	}
	if v.context().Err() != nil || fault.Kind == problem.KindLimited {
		level = slog.LevelDebug // the caller went away, or the audit log has it
	}
	a.logger.Log(v.context(), level, "request refused",
		"request_id", requestID(v.gin), "method", v.request().Method, "path", loggedPath(v.request()),
		"status", statusOf(fault.Kind), "caller", v.caller.name(), "error", fault.Error())
}

// statusOf is the one place where a kind of problem becomes an HTTP status.
func statusOf(kind problem.Kind) int {
	switch kind {
	case problem.KindMalformed:
		return http.StatusBadRequest
	case problem.KindInvalid:
		return http.StatusUnprocessableEntity
	case problem.KindUnauthorized:
		return http.StatusUnauthorized
	case problem.KindForbidden:
		return http.StatusForbidden
	case problem.KindNotFound:
		return http.StatusNotFound
	case problem.KindConflict:
		return http.StatusConflict
	case problem.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case problem.KindLimited:
		return http.StatusTooManyRequests
	case problem.KindUnavailable:
		return http.StatusServiceUnavailable
	case problem.KindStale:
		return http.StatusPreconditionFailed
	case problem.KindFull:
		return http.StatusInsufficientStorage
	default:
		return http.StatusInternalServerError
	}
}

// asProblem words any error for a person. What is not a Problem, or is one of
// ours, says nothing about its cause.
func asProblem(err error) *problem.Problem {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLargeProblem(tooLarge.Limit, err)
	}
	fault, ok := errors.AsType[*problem.Problem](err)
	if problem.IsDiskFull(err) && (!ok || fault.Kind != problem.KindFull) {
		return problem.DiskFull("", err)
	}
	if all, several := errors.AsType[problem.Problems](err); several && len(all) > 1 && ok && fault.Kind != problem.KindInternal {
		first := *fault
		return first.Because(all)
	}
	if ok && fault.Kind != problem.KindInternal {
		return fault
	}
	if errors.Is(err, problem.ErrNotFound) {
		return notFound("There is nothing here.", err)
	}
	if errors.Is(err, docker.ErrUnavailable) { // or its broker, which starts again at once
		return problem.Unavailable("The container engine does not answer.", "Try again in a moment. If it happens again, see that Docker runs on the machine.").Because(err)
	}
	return problem.Internal(
		"Something went wrong.",
		"Try again. If it happens again, look for the request id in Berth's log.",
	).Because(err)
}

// blame returns the fault, unless it is that the caller went away: what came of that in
// here is nobody's mistake but the line's.
func (v *visit) blame(fault *problem.Problem) *problem.Problem {
	if fault.Kind != problem.KindInternal {
		return fault
	}
	if broken := v.body.broken(); broken != nil {
		return broken
	}
	if v.context().Err() != nil && errors.Is(fault, context.Canceled) {
		return problem.Malformed("The caller went away.", "Send it again.").Because(fault.Err)
	}
	return fault
}

// malformed is a part of the path that no page of ours could have linked to.
func malformed(message, hint string, cause error) *problem.Problem {
	return problem.Malformed(message, hint).Because(cause)
}

func notFound(message string, cause error) *problem.Problem {
	return problem.NotFound(message, "Look for it on the dashboard.").Because(cause)
}

// arrivesFromElsewhere reports whether a person followed a link of another site.
// Their browser kept the strict cookie back, so that nobody knows yet whether
// they are signed in: a page that loads itself again finds out.
func arrivesFromElsewhere(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Site") == "cross-site"
}

// loginPath leads to the sign-in form and, after a GET, back to where the person wanted to go.
func loginPath(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == "/" {
		return "/login"
	}
	return "/login?" + url.Values{"next": {r.URL.Path}}.Encode()
}

// wantsJSON reports whether the caller is a program.
func (v *visit) wantsJSON() bool {
	accept := v.request().Header.Get("Accept")
	return strings.HasPrefix(v.request().URL.Path, "/api/") || v.request().URL.Path == prometheusPath || isWebhook(v.request()) ||
		bearerToken(v.request()) != "" ||
		strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}
