package router

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"berth/controller"
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
			a.refuse(v, asProblem(err))
		}
		v.settleLimit()
	}
}

func (a *admin) handle(v *visit) error {
	if v.route.stream {
		return a.handleStream(v)
	}
	return v.route.handle(v)
}

// refuse answers with the problem in the form that the caller understands.
func (a *admin) refuse(v *visit, problem *controller.Problem) {
	a.logProblem(v, problem)
	if v.gin.Writer.Written() {
		return // a stream that broke: its status is gone already
	}
	switch {
	case v.wantsJSON():
		v.problemJSON(problem)
	case v.route.stream:
		v.gin.String(statusOf(problem.Kind), "%s\n", problem.Message)
	case errors.Is(problem, errMustChange):
		_ = v.seeOther("/password")
	case problem.Kind == controller.KindUnauthorized && !v.route.access.public && arrivesFromElsewhere(v.request()):
		_ = v.page(http.StatusOK, "arrival", nil)
	case problem.Kind == controller.KindUnauthorized && !v.route.access.public:
		_ = v.seeOther(loginPath(v.request()))
	case problem.Kind == controller.KindLimited && v.showsAgain():
		if err := v.route.again(v, problem); err != nil {
			a.showProblem(v, problem)
		}
	case problem.Kind == controller.KindLimited && v.caller.signedIn() && v.request().PostForm != nil:
		if err := a.showTyped(v, problem); err != nil {
			a.showProblem(v, problem)
		}
	default:
		a.showProblem(v, problem)
	}
}

// showNothing answers a request that has no line in the table.
func (a *admin) showNothing(c *gin.Context) {
	v := &visit{gin: c, admin: a, route: route{access: public}}
	a.refuse(v, notFound("There is no page at this address.", nil))
}

// logProblem writes what the person does not see. What they did themselves is
// no warning.
func (a *admin) logProblem(v *visit, problem *controller.Problem) {
	level := slog.LevelInfo
	if problem.Kind == controller.KindInternal || problem.Kind == controller.KindUnavailable || problem.Kind == controller.KindFull {
		level = slog.LevelError
	}
	if v.context().Err() != nil || problem.Kind == controller.KindLimited {
		level = slog.LevelDebug // the caller went away, or the audit log has it
	}
	a.logger.Log(v.context(), level, "request refused",
		"request_id", requestID(v.gin), "method", v.request().Method, "path", v.request().URL.Path,
		"status", statusOf(problem.Kind), "caller", v.caller.name(), "error", problem.Error())
}

// statusOf is the one place where a kind of problem becomes an HTTP status.
func statusOf(kind controller.Kind) int {
	switch kind {
	case controller.KindMalformed:
		return http.StatusBadRequest
	case controller.KindInvalid:
		return http.StatusUnprocessableEntity
	case controller.KindUnauthorized:
		return http.StatusUnauthorized
	case controller.KindForbidden:
		return http.StatusForbidden
	case controller.KindNotFound:
		return http.StatusNotFound
	case controller.KindConflict:
		return http.StatusConflict
	case controller.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case controller.KindLimited:
		return http.StatusTooManyRequests
	case controller.KindUnavailable:
		return http.StatusServiceUnavailable
	case controller.KindFull:
		return http.StatusInsufficientStorage
	default:
		return http.StatusInternalServerError
	}
}

// asProblem words any error for a person. What is not a Problem, or is one of
// ours, says nothing about its cause.
func asProblem(err error) *controller.Problem {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLargeProblem(tooLarge.Limit, err)
	}
	problem, ok := errors.AsType[*controller.Problem](err)
	if controller.IsDiskFull(err) && (!ok || problem.Kind != controller.KindFull) {
		return controller.DiskFull("", err)
	}
	if ok && problem.Kind != controller.KindInternal {
		return problem
	}
	if errors.Is(err, controller.ErrNotFound) {
		return notFound("There is nothing here.", err)
	}
	return &controller.Problem{
		Kind:    controller.KindInternal,
		Message: "Something went wrong.",
		Hint:    "Try again. If it happens again, look for the request id in Berth's log.",
		Err:     err,
	}
}

// malformed is a part of the path that no page of ours could have linked to.
func malformed(message, hint string, cause error) *controller.Problem {
	return &controller.Problem{Kind: controller.KindMalformed, Message: message, Hint: hint, Err: cause}
}

func notFound(message string, cause error) *controller.Problem {
	return &controller.Problem{
		Kind: controller.KindNotFound, Message: message,
		Hint: "Look for it on the dashboard.", Err: cause,
	}
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
	return strings.HasPrefix(v.request().URL.Path, "/api/") ||
		bearerToken(v.request()) != "" ||
		strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}
