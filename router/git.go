package router

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/push"
	"berth/controller/push/pack"
	"berth/controller/push/wire"
)

// Pushes receives what people push with git.
type Pushes interface {
	Advertise(context.Context, io.Writer, app.Name) error
	Receive(ctx context.Context, name app.Name, body io.Reader, w io.Writer, door push.Door) (pushed bool, err error)
	Settings(context.Context, app.Name) (push.Settings, error)
	UpdateSettings(context.Context, app.Name, push.Settings) error
}

// gitPath is where git pushes to: a repository for each app.
const (
	gitPath   = "/git/"
	gitSuffix = ".git"
)

func gitAddress(name app.Name) string { return gitPath + string(name) + gitSuffix }

func isGit(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, gitPath) }

// takePassword makes the password that git sends a bearer token: git knows no other way to
// send one. The user's name says nothing.
func (a *admin) takePassword(c *gin.Context) {
	if _, password, given := c.Request.BasicAuth(); given && isGit(c.Request) {
		c.Request.Header.Set("Authorization", "Bearer "+password)
	}
}

// gitProblem answers git, which shows a plain text to its person.
func (v *visit) gitProblem(fault *problem.Problem) {
	if fault.Kind == problem.KindUnauthorized {
		v.gin.Header("WWW-Authenticate", `Basic realm="Berth: a token as the password", charset="UTF-8"`)
	}
	v.gin.String(statusOf(fault.Kind), "%s\n%s\n", fault.Message, fault.Hint)
}

// gitApp is the app whose repository the path names.
func (v *visit) gitApp() (app.Name, error) {
	text, isRepository := strings.CutSuffix(v.gin.Param("repository"), gitSuffix)
	name, err := app.ParseName(text)
	if err != nil || !isRepository {
		return "", malformed(
			fmt.Sprintf("%.60q cannot be the repository of an app.", v.gin.Param("repository")),
			"Push to /git/NAME.git. A name has 1 to 40 lower-case letters, digits and hyphens.", err)
	}
	v.done.resource = "app " + string(name)
	return name, nil
}

// advertiseRefs tells git what it need not push.
func (a *admin) advertiseRefs(v *visit) error {
	name, err := v.gitApp()
	if err != nil {
		return err
	}
	if v.gin.Query("service") != "git-receive-pack" {
		return problem.Invalid("Berth takes pushes, and gives nothing back.", "Fetch and clone from where your repository is kept.")
	}
	var refs bytes.Buffer
	if !v.caller.byKey() {
		if err := wire.Announce(&refs); err != nil {
			return err
		}
	}
	if err := a.pushes.Advertise(v.context(), &refs, name); err != nil {
		return err
	}
	v.gin.Header("Cache-Control", "no-cache")
	v.gin.Data(http.StatusOK, "application/x-git-receive-pack-advertisement", refs.Bytes())
	return nil
}

// receivePush deploys what git pushes. The answer is a stream of what happens; an error
// after its beginning is for the log.
func (a *admin) receivePush(v *visit) error {
	name, err := v.gitApp()
	if err != nil {
		return err
	}
	if v.request().Header.Get("Content-Encoding") != "" {
		return problem.Malformed("The push is compressed as a whole.", "Push with git itself.")
	}
	answer := &gitAnswer{visit: v, writer: http.NewResponseController(v.gin.Writer)}
	defer answer.end()
	body := io.Reader(v.request().Body)
	if v.caller.byKey() {
		body = pack.Unended{Reader: body}
	}
	pushed, err := a.pushes.Receive(v.context(), name, body, answer, &gitDoor{visit: v, name: name})
	if !pushed && err == nil { // git asks whether it is let in before it sends much
		v.done.halfway = true
		v.gin.Data(http.StatusOK, gitResult, nil)
	}
	return err
}

const gitResult = "application/x-git-receive-pack-result"

// gitAnswer sends what is written at once.
type gitAnswer struct {
	visit  *visit
	writer *http.ResponseController
	begun  bool
}

func (g *gitAnswer) Write(text []byte) (int, error) {
	v := g.visit
	if !g.begun {
		g.begun = true
		if !v.caller.byKey() {
			v.drain() // git sends first and listens after
		}
		v.gin.Header("Content-Type", gitResult)
		v.gin.Header("Cache-Control", "no-cache")
		v.gin.Status(http.StatusOK)
	}
	_ = g.writer.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := v.gin.Writer.Write(text)
	v.gin.Writer.Flush()
	return n, err
}

func (g *gitAnswer) end() { _ = g.writer.SetWriteDeadline(time.Time{}) }

// gitDoor deploys one push.
type gitDoor struct {
	visit *visit
	name  app.Name
	next  bool // the app is there
}

// Admit counts the push as an upload to a new app, or to one that is there.
func (d *gitDoor) Admit(ctx context.Context) error {
	v, class := d.visit, limit.Update
	_, err := v.admin.apps.App(ctx, d.name)
	if err != nil && !isMissing(err) {
		return err
	}
	if d.next = err == nil; !d.next {
		class, v.done.action = limit.Upload, audit.ActionAppCreate
	}
	refund, err := v.admin.take(v, class)
	if err != nil {
		return v.refuseLimited(err)
	}
	v.refund = refund
	return nil
}

// Deploy makes a release of the files and shows its log until it has ended.
func (d *gitDoor) Deploy(ctx context.Context, wish push.Wish, progress io.Writer) error {
	v := d.visit
	release, err := d.accept(ctx, wish)
	if err != nil {
		return err
	}
	v.worked = true
	v.done.detail = fmt.Sprintf("git push of %s, release %d", wish.Commit.Short(), release.Number)
	if v.caller.byKey() {
		v.done.detail += ", by the SSH key " + v.caller.key.Name
	}
	if _, err := fmt.Fprintf(progress, "berth: release %d of %s\n", release.Number, d.name); err != nil {
		return err
	}
	err = v.admin.followLog(v, release.ReleaseID, true, func(text []byte) error {
		_, err := progress.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	return d.conclude(ctx, release.ReleaseID, progress)
}

func (d *gitDoor) accept(ctx context.Context, wish push.Wish) (app.Release, error) {
	a := d.visit.admin
	received, err := a.uploads.Receive(wish.Archive)
	if err != nil {
		return app.Release{}, err
	}
	defer received.Discard()
	received.Name = fmt.Sprintf("%s-%s.tar.gz", d.name, wish.Commit.Short())
	upload := controller.Upload{Name: d.name, Next: d.next, By: d.visit.caller.name(), Archive: received}
	if !d.next {
		if upload.Route, err = a.routing.ParseRoute("/" + string(d.name)); err != nil {
			return app.Release{}, err
		}
	}
	return a.uploads.Accept(ctx, upload)
}

// conclude says how the release ended: an error unless it went live.
func (d *gitDoor) conclude(ctx context.Context, id app.ReleaseID, progress io.Writer) error {
	a := d.visit.admin
	release, err := a.releases.Release(ctx, id)
	if err != nil {
		return err
	}
	switch release.State {
	case app.ReleaseLive, app.ReleaseSuperseded:
	case app.ReleaseFailed:
		return problem.Invalid(fmt.Sprintf("Release %d failed: %s", id.Number, release.Reason), release.Hint)
	case app.ReleaseCancelled:
		return problem.Invalid(fmt.Sprintf("Release %d was cancelled.", id.Number), "Push again to deploy it.")
	default:
		return errors.Join(problem.Unavailable(fmt.Sprintf("Release %d is still under way, and this push does not follow it any more.", id.Number), "Look at its page."), ctx.Err())
	}
	view, err := a.apps.App(ctx, id.App)
	if err != nil {
		return err
	}
	for _, link := range a.public.links(d.visit.request(), answering(view)) {
		if _, err := fmt.Fprintf(progress, "berth: release %d is live at %s\n", id.Number, link.URL); err != nil {
			return err
		}
	}
	return nil
}
