package router

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/gin-contrib/sessions"
	"github.com/gin-gonic/gin"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/problem"
)

// visit is one request on its way through the admin app: who makes it, by which
// line of the table, and how it is answered.
type visit struct {
	gin    *gin.Context
	admin  *admin
	route  route
	caller caller
	body   *pacedBody // the request's, below its cap
	done   done       // what the audit log says of it beside the table
	refund func()     // gives the request back to its limit: it was not what the limit is against
	upload *upload    // the form of an archive, where the page is to show what became of it
	ends   []func()   // run once the request was answered
	seen   *[]byte    // takes what json would answer, where that is asked for its version alone
	read   *app.App   // of the page that is made
	worked bool       // a part was accepted, whatever became of the rest: the limit on work keeps the request
}

// caller is who makes the request. The zero caller is anonymous.
type caller struct {
	account account.Account // of a session, or of an SSH key
	token   account.Token   // of a bearer
	bearer  bool
	key     account.Key // of the account, for a push over SSH
}

// name is what a release is signed with.
func (c caller) name() string {
	if c.bearer {
		return "token " + c.token.Name
	}
	return c.account.Name
}

// owner names whoever it is for what Berth keeps for them alone. Unlike a name it
// is never given again.
func (c caller) owner() string {
	if c.bearer {
		return fmt.Sprintf("token %d", c.token.ID)
	}
	return fmt.Sprintf("account %d", c.account.ID)
}

func (c caller) signedIn() bool { return c.account.ID != 0 }

func (c caller) byKey() bool { return c.key.ID != 0 }

func (v *visit) context() context.Context { return v.gin.Request.Context() }

func (v *visit) request() *http.Request { return v.gin.Request }

// address is the client's IP address, as limits count it and entries name it.
func (v *visit) address() string { return addressText(clientAddress(v.gin)) }

// clientAddr is address, parsed; the zero Addr where it is none.
func (v *visit) clientAddr() netip.Addr {
	address, _ := netip.ParseAddr(v.address())
	return address
}

func (v *visit) session() sessions.Session { return sessions.Default(v.gin) }

// atEnd has end run once the request was answered, whatever became of it.
func (v *visit) atEnd(end func()) { v.ends = append(v.ends, end) }

func (v *visit) end() {
	for _, end := range v.ends {
		end()
	}
}

// app is the app that the path names. A name that cannot be one is malformed:
// no page of ours links to it.
func (v *visit) app() (app.Name, error) {
	name, err := app.ParseName(v.gin.Param("name"))
	if err != nil {
		return "", malformed(
			fmt.Sprintf("%.60q cannot be the name of an app.", v.gin.Param("name")),
			"A name has 1 to 40 lower-case letters, digits and hyphens. Look for the app on the dashboard.", err)
	}
	return name, nil
}

// appOf is the app that the path names, which is there.
func (a *admin) appOf(v *visit) (controller.AppView, error) {
	name, err := v.app()
	if err != nil {
		return controller.AppView{}, err
	}
	return a.apps.App(v.context(), name)
}

// release is the release that the path names.
func (v *visit) release() (app.ReleaseID, error) {
	name, err := v.app()
	if err != nil {
		return app.ReleaseID{}, err
	}
	number, err := v.number("number")
	if err != nil {
		return app.ReleaseID{}, err
	}
	return app.ReleaseID{App: name, Number: number}, nil
}

// releaseOf is the release that the path names, which is there.
func (a *admin) releaseOf(v *visit) (app.Release, error) {
	id, err := v.release()
	if err != nil {
		return app.Release{}, err
	}
	return a.releases.Release(v.context(), id)
}

// number is a number from 1 that the path holds.
func (v *visit) number(parameter string) (int64, error) {
	text := v.gin.Param(parameter)
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < 1 || strconv.FormatInt(number, 10) != text {
		return 0, malformed(fmt.Sprintf("%.60q cannot be a number here.", text), "Give a whole number from 1, as the pages show it.", err)
	}
	return number, nil
}

// seeOther ends a form: the browser goes on with a GET of path, and to the notice
// that waits there. A fragment of its own would be that of the form's address,
// which browsers keep over a redirect.
func (v *visit) seeOther(path string) error {
	if _, waits := v.session().Get(noticeKey).(string); waits && !strings.Contains(path, "#") {
		path += "#notice"
	}
	v.gin.Redirect(http.StatusSeeOther, path)
	return nil
}

// seeResult is seeOther to a page that is itself what the form came to: the browser
// goes to the beginning of its content.
func (v *visit) seeResult(path string) error { return v.seeOther(path + "#main") }

// page renders the named page. It is rendered whole before the first byte
// leaves, so that a template that fails is a clean 500.
func (v *visit) page(status int, name string, page any) error {
	var buffer bytes.Buffer
	if err := v.admin.templates.Page(&buffer, name, page); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	v.gin.Data(status, "text/html; charset=utf-8", buffer.Bytes())
	return nil
}

// fragment renders a part of a page to a string, for an event stream.
func (v *visit) fragment(page, name string, data any) (string, error) {
	var buffer bytes.Buffer
	if err := v.admin.templates.Fragment(&buffer, page, name, data); err != nil {
		return "", fmt.Errorf("render fragment %s of %s: %w", name, page, err)
	}
	return buffer.String(), nil
}

func (v *visit) json(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if v.seen != nil {
		*v.seen = body
		return nil
	}
	if v.route.api.versioned {
		v.gin.Header("ETag", versionOf(body))
	}
	v.gin.Data(status, "application/json; charset=utf-8", append(body, '\n'))
	return nil
}

// notify leaves a sentence for the next page of this session. Where the disk has no
// room for it, what it tells of is done all the same.
func (v *visit) notify(sentence string) error {
	v.session().Set(noticeKey, sentence)
	err := v.session().Save()
	if err == nil {
		return nil
	}
	v.session().Delete(noticeKey) // the page that tells of the error would show it
	v.session().Delete(undoKey)
	if !problem.IsDiskFull(err) {
		return err
	}
	v.admin.logger.ErrorContext(v.context(), "keep notice", "request_id", requestID(v.gin), "error", err)
	return nil
}
