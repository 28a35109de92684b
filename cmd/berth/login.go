package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"berth/controller/pinned"
	"berth/controller/problem"
	"berth/controller/secret"
)

const (
	loginPath        = "/api/v1/login"
	loginTries       = 3
	defaultLoginDays = 30
)

// loginAnswer is what the API says of a sign-in.
type loginAnswer struct {
	Token     string    `json:"token"`
	Account   string    `json:"account"`
	Scope     string    `json:"scope"`
	ExpiresAt time.Time `json:"expires_at"`
}

// loginFlags is the command line of berth login.
type loginFlags struct {
	name, user, scope, fingerprint, caFile *string
	days                                   *int
}

// runLogin signs in as a browser does, and keeps the token that it gets for it.
func runLogin(ctx context.Context, p *program, args []string) error {
	flags := newFlags("login")
	given := loginFlags{
		name:        flags.String("name", "", "what to call the server in berth context list; without it its host"),
		user:        flags.String("user", "", "your user name; without it you are asked"),
		scope:       flags.String("scope", "deploy", "what the token may do: read, deploy or admin"),
		days:        flags.Int("days", defaultLoginDays, "how long the token holds"),
		fingerprint: flags.String("fingerprint", "", "SHA-256 of the server's certificate, to trust it without a question"),
		caFile:      flags.String("ca-file", p.variable("BERTH_CA_FILE"), "PEM file of the certificate to trust; BERTH_CA_FILE"),
	}
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return p.wrongWords()
	}
	api, err := newClient(words[0], "", *given.caFile)
	if err != nil {
		return err
	}
	api.notes = p.stderr
	name := cmp.Or(*given.name, strings.ToLower(api.base.Hostname()))
	if err := checkContextName(name); err != nil {
		return &usageError{err}
	}
	questions := p.openTerminal()
	fingerprint, err := p.agree(ctx, api, questions, *given.fingerprint)
	if err != nil {
		return err
	}
	api.pin(fingerprint)
	signed, err := signIn(ctx, api, questions, given)
	if err != nil {
		return err
	}
	return p.keepLogin(name, serverContext{
		Server: strings.TrimSuffix(words[0], "/"), Account: signed.Account, Scope: signed.Scope, Token: signed.Token,
		ExpiresAt: signed.ExpiresAt, Fingerprint: fingerprint,
	})
}

// agree returns the fingerprint that the person agrees to; empty where an authority
// vouches for the server.
func (p *program) agree(ctx context.Context, api *client, questions *terminal, wanted string) (string, error) {
	shown, err := api.shownCertificate(ctx)
	if err != nil || shown == "" {
		return "", err
	}
	if wanted != "" {
		if pinned.Plain(wanted) != pinned.Plain(shown) {
			return "", problem.Unauthorized("The server shows another certificate than --fingerprint says.", "It shows "+shown+". Do not sign in before you know why.")
		}
		return shown, nil
	}
	_, _ = fmt.Fprintf(p.stderr, "No authority vouches for the certificate of %s. Its SHA-256 fingerprint is\n  %s\n"+
		"On the server, this shows the right one, and so does make up: docker exec berth-berth /berth fingerprint\n", api.base.Host, shown)
	answer, err := questions.ask(ctx, "Is it the same? Type yes to trust it")
	if err != nil {
		return "", err
	}
	if answer != "yes" {
		return "", &usageError{errors.New("the certificate was not trusted, and nothing was sent")}
	}
	return shown, nil
}

// signIn asks for what the server wants to know, and for nothing that it does not.
func signIn(ctx context.Context, api *client, questions *terminal, given loginFlags) (loginAnswer, error) {
	machine, _ := os.Hostname() // only a word in the list of tokens
	form := url.Values{"scope": {*given.scope}, "days": {strconv.Itoa(*given.days)}, "name": {"berth on " + cmp.Or(machine, "a machine")}}
	user := *given.user
	var err error
	if user == "" {
		if user, err = questions.ask(ctx, "User name"); err != nil {
			return loginAnswer{}, err
		}
	}
	form.Set("username", user)
	missing := "password"
	for tries := 0; ; tries++ {
		if err := askFor(ctx, questions, form, missing); err != nil {
			return loginAnswer{}, err
		}
		var answer loginAnswer
		err := api.sendForm(ctx, loginPath, form, &answer)
		fault, known := errors.AsType[*problem.Problem](err)
		if err == nil {
			return answer, nil
		}
		if !known || tries == loginTries || fault.Field != "password" && fault.Field != "code" && fault.Field != "new_password" {
			return loginAnswer{}, err
		}
		missing = fault.Field
		_, _ = fmt.Fprintln(api.notes, fault.Message+" "+fault.Hint)
	}
}

// askFor puts one secret into the form.
func askFor(ctx context.Context, questions *terminal, form url.Values, field string) error {
	question := map[string]string{"password": "Password", "code": "Code of your second factor", "new_password": "New password"}[field]
	typed, err := questions.askHidden(ctx, question)
	if err != nil {
		return err
	}
	if field == "new_password" {
		again, err := questions.askHidden(ctx, "Confirm new password")
		if err != nil {
			return err
		}
		if again != typed {
			return &usageError{errors.New("the two new passwords differ; nothing was changed")}
		}
	}
	form.Set(field, typed)
	return nil
}

// sendForm posts a form and reads the answer.
func (c *client) sendForm(ctx context.Context, path string, form url.Values, answer any) error {
	text := form.Encode()
	response, err := c.send(ctx, http.MethodPost, path, func(request *http.Request) {
		request.Header.Del("Authorization")
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return c.decode(response.Body, answer)
}

// keepLogin makes it the context that commands use.
func (p *program) keepLogin(name string, signed serverContext) error {
	all, err := p.readContexts()
	if err != nil {
		return err
	}
	all.Current, all.Servers[name] = name, signed
	if err := p.writeContexts(all); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "Signed in to %s as %s. The token has the scope %s and holds until %s.\n",
		signed.Server, signed.Account, signed.Scope, signed.ExpiresAt.Format(time.DateOnly))
	return err
}

// runLogout ends the token at the server, and forgets it here whatever the server says of it.
func runLogout(ctx context.Context, p *program, args []string) error {
	flags := newFlags("logout")
	name := flags.String("context", p.variable("BERTH_CONTEXT"), "which server; without it the one in use")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	all, err := p.readContexts()
	if err != nil {
		return err
	}
	leaving := cmp.Or(*name, all.Current)
	if leaving == "" {
		return &usageError{errors.New("you are signed in nowhere; see berth context list")}
	}
	found, err := all.find(leaving)
	if err != nil {
		return err
	}
	api, err := newClient(found.Server, secret.Text(found.Token), "")
	if err != nil {
		return err
	}
	api.pin(found.Fingerprint)
	_, ended := api.ask(ctx, http.MethodDelete, loginPath, nil)
	if problem.KindOf(ended) == problem.KindUnauthorized {
		ended = nil // it holds no longer
	}
	all.remove(leaving)
	if err := p.writeContexts(all); err != nil {
		return errors.Join(ended, err)
	}
	if ended != nil {
		return fmt.Errorf("forgot the token, but it still holds on the server: %w", ended)
	}
	_, err = fmt.Fprintf(p.stdout, "Signed out of %s.\n", found.Server)
	return err
}

// runAccessUser lets a person in by a password that is asked for, so that it stands in no
// list of processes.
func runAccessUser(ctx context.Context, p *program, args []string) error {
	flags := newFlags("access user")
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if words, err = p.withProject(words, 2); err != nil {
		return err
	}
	if len(words) != 2 {
		return p.wrongWords()
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	password, err := p.openTerminal().askHidden(ctx, "Password for "+words[1])
	if err != nil {
		return err
	}
	answer, err := api.ask(ctx, http.MethodPatch, "/api/v1/apps/"+url.PathEscape(words[0])+"/access", map[string]any{"users": map[string]string{words[1]: password}})
	if err != nil {
		return err
	}
	return row{}.show(ctx, p, api, answer)
}
