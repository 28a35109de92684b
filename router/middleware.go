package router

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"berth/controller/problem"
)

const requestIDKey = "berth.request_id"

// identify gives the request an id, which the log and every error page name. A
// caller's own id is not taken: it would be a way to write into the log.
func (a *admin) identify(c *gin.Context) {
	id := rand.Text()[:16]
	c.Set(requestIDKey, id)
	c.Header("X-Request-ID", id)
}

func requestID(c *gin.Context) string { return c.GetString(requestIDKey) }

// record logs the request after its answer. Reading is the daily noise.
func (a *admin) record(c *gin.Context) {
	began := a.now()
	c.Next()
	level := slog.LevelDebug
	if c.Request.Method != http.MethodGet {
		level = slog.LevelInfo
	}
	a.logger.Log(c.Request.Context(), level, "request",
		"request_id", requestID(c), "method", c.Request.Method, "path", loggedPath(c.Request),
		"status", c.Writer.Status(), "bytes", c.Writer.Size(),
		"duration", a.now().Sub(began).Round(time.Microsecond), "address", addressText(clientAddress(c)))
}

// loggedPath is the path without the random part of a webhook.
func loggedPath(r *http.Request) string {
	if isWebhook(r) {
		return webhookPath + "..."
	}
	return r.URL.Path
}

// recoverPanic turns a programmer's error in a handler into a logged 500.
func (a *admin) recoverPanic(c *gin.Context) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		if err, ok := thrown.(error); ok && err == http.ErrAbortHandler { //nolint:errorlint // the server's own signal, compared as the server does
			panic(thrown)
		}
		a.logger.ErrorContext(c.Request.Context(), "handler panicked",
			"request_id", requestID(c), "panic", fmt.Sprint(thrown), "stack", string(debug.Stack()))
		c.Abort()
		if !c.Writer.Written() {
			a.refuse(&visit{gin: c, admin: a}, asProblem(fmt.Errorf("panic: %v", thrown)))
		}
	}()
	c.Next()
}

// stop ends the chain with a problem, before any route was chosen.
func (a *admin) stop(c *gin.Context, problem *problem.Problem) {
	c.Abort()
	v := &visit{gin: c, admin: a, route: route{access: public}}
	a.logProblem(v, problem)
	if v.wantsJSON() {
		v.problemJSON(problem)
		return
	}
	c.String(statusOf(problem.Kind), "%s\n%s\n", problem.Message, problem.Hint)
}
