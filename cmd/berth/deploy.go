package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/pause"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/uploads"
	"berth/traefik"
)

const (
	defaultServer     = "https://127.0.0.1:8001"
	defaultDeployTime = 30 * time.Minute       // longer than the server's limit of one build and a place in the line
	followPause       = 500 * time.Millisecond // at first; it doubles up to mostFollowPause
	mostFollowPause   = 4 * time.Second        // two requests each: half of what the API of apps allows
	followAttempts    = 20                     // times that the server may be away while a release is followed
)

// runDeploy sends a folder or an archive to a Berth, shows the log of the
// release, and prints where the app answers.
func runDeploy(ctx context.Context, p *program, args []string) error {
	wish, err := p.parseDeploy(args)
	if err != nil {
		return err
	}
	api, err := p.openClient(wish.line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wish.timeout)
	defer cancel()
	upload, err := wish.open(ctx)
	if err != nil {
		return err
	}
	upload.dockerfile = wish.docker
	if wish.check {
		return errors.Join(p.check(ctx, api, wish, upload), upload.close())
	}
	release, err := p.send(ctx, api, wish, upload)
	if err := errors.Join(err, upload.close()); err != nil {
		return err
	}
	if _, err := p.awaitLive(ctx, api, release.id()); err != nil {
		return err
	}
	app, err := api.findApp(ctx, wish.name)
	if err != nil {
		return err
	}
	return p.show(api, func() error {
		_, err := fmt.Fprintln(p.stdout, strings.Join(app.URLs, "\n"))
		return err
	})
}

// deployWish is the command line of berth deploy, parsed.
type deployWish struct {
	source   string              // a folder or an archive
	image    plan.ImageReference // instead of source
	fallback bool                // answer unknown paths of a static site with its index.html
	check    bool                // show how it will be built, and deploy nothing; then name may be empty
	docker   string              // path of the Dockerfile in the source; empty means the usual one
	choices  [][2]string         // fields of the form: what the archive leaves open
	name     app.Name
	route    string // for a new app only
	line     lineFlags
	timeout  time.Duration
}

// open opens the source; an image is not of this machine.
func (w deployWish) open(ctx context.Context) (*upload, error) {
	if w.image != "" {
		return &upload{image: w.image, close: func() error { return nil }}, nil
	}
	return openUpload(ctx, w.source)
}

func (p *program) parseDeploy(args []string) (deployWish, error) {
	flags := newFlags("deploy")
	name := flags.String("name", "", "name of the app; one that is there is updated")
	check := flags.Bool("check", false, "print the Dockerfile that Berth would write, say why, and deploy nothing; --name is optional then")
	route := flags.String("route", "", "where a new app answers: /path, host or host/path; without it /NAME")
	image := flags.String("image", "", "run this image instead of a folder or an archive, such as ghcr.io/owner/app:1.2.3")
	fallback := flags.Bool("fallback", false, "let a static site answer unknown paths with its index.html")
	dockerfile := flags.String("dockerfile", "", "path of the Dockerfile in the folder or archive, such as docker/Dockerfile")
	choices := addChoiceFlags(flags)
	line := p.addLineFlags(flags)
	timeout := flags.Duration("timeout", defaultDeployTime, "how long to wait until the app is live")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return deployWish{}, err
	}
	wish := deployWish{check: *check, fallback: *fallback, line: line, timeout: *timeout}
	here, err := readProject()
	if err != nil {
		return deployWish{}, err
	}
	if here.Name != "" && len(words) == 0 && *image == "" {
		words = []string{"."}
	}
	if err := wish.chooseSource(words, *image); err != nil {
		return deployWish{}, err
	}
	if wish.docker, err = uploads.ParseDockerfile(*dockerfile); err != nil {
		return deployWish{}, &usageError{err}
	}
	if wish.choices, err = choices.fields(p); err != nil {
		return deployWish{}, err
	}
	if *name == "" {
		*name, *route = here.Name, cmp.Or(*route, here.Route)
	}
	if *check && *name == "" {
		return wish, nil
	}
	if wish.name, err = app.ParseName(*name); err != nil {
		return deployWish{}, &usageError{err}
	}
	wish.route, err = deployRoute(*route, wish.name)
	return wish, err
}

// chooseSource takes what is to be deployed: a folder, an archive or an image.
func (w *deployWish) chooseSource(words []string, image string) error {
	if image == "" && len(words) == 1 {
		w.source = words[0]
		return nil
	}
	if image == "" || len(words) > 0 {
		return &usageError{errors.New("berth deploy takes one folder or archive, or --image; see berth help deploy")}
	}
	if w.check {
		return &usageError{errors.New("an image is run as it is, so there is nothing to --check")}
	}
	reference, err := plan.ParseImageReference(strings.TrimSpace(image))
	if err != nil {
		return &usageError{problem.Refused("image", err)}
	}
	w.image = reference
	return nil
}

// lineFlags are the flags of a command that speaks to a server.
type lineFlags struct {
	server, context, token, tokenFile, caFile *string
	json                                      *bool
}

func (p *program) addLineFlags(flags *flag.FlagSet) lineFlags {
	return lineFlags{
		server:    flags.String("server", "", "address of the admin app; BERTH_SERVER; without it that of the context, else "+defaultServer),
		context:   flags.String("context", "", "a server that you signed in to; BERTH_CONTEXT; without it that of berth.toml, else that of berth context use"),
		token:     flags.String("token", "", "token with the scope deploy; better: BERTH_TOKEN, which other users do not see"),
		tokenFile: flags.String("token-file", p.variable("BERTH_TOKEN_FILE"), "file that holds the token; BERTH_TOKEN_FILE"),
		caFile:    flags.String("ca-file", p.variable("BERTH_CA_FILE"), "PEM file of the certificate to trust; BERTH_CA_FILE"),
		json:      flags.Bool("json", false, "print the answer of the server as JSON"),
	}
}

// openClient is for a command that speaks to the server of its flags.
func (p *program) openClient(line lineFlags) (*client, error) {
	to, err := p.choose(line)
	if err != nil {
		return nil, err
	}
	api, err := newClient(to.server, to.token, *line.caFile)
	if err != nil {
		return nil, err
	}
	if *line.caFile == "" {
		api.pin(to.fingerprint)
	}
	api.notes, api.json = p.stderr, *line.json
	return api, nil
}

func deployRoute(text string, name app.Name) (string, error) {
	if text == "" {
		return "/" + string(name), nil
	}
	route, err := traefik.ParseRoute(text)
	if err != nil {
		return "", &usageError{fmt.Errorf("--route %w", err)}
	}
	return route.String(), nil
}

// givenToken takes the token of the flag, else of the file, else of BERTH_TOKEN; empty
// where none was given.
func (p *program) givenToken(plain, file string) (secret.Text, error) {
	if plain == "" && file != "" {
		content, err := readBounded(file)
		if err != nil {
			return "", &usageError{fmt.Errorf("read token: %w", err)}
		}
		plain = string(content)
	}
	if plain == "" {
		plain = p.variable("BERTH_TOKEN")
	}
	return secret.Text(strings.TrimSpace(plain)), nil
}

// check prints the Dockerfile alone to stdout, so that it can be kept in a file.
func (p *program) check(ctx context.Context, api *client, wish deployWish, upload *upload) error {
	upload.progress = newProgress(p.stderr, upload.bytes)
	preview, err := api.check(ctx, wish, upload)
	if err != nil {
		return err
	}
	said := []string{preview.Kind}
	if len(preview.Services) > 1 {
		said = append(said, "services: "+strings.Join(preview.Services, ", "))
	}
	said = append(append(said, preview.lines()...), preview.Reasons...)
	if preview.Dockerfile == "" {
		said = append(said, "Berth writes no Dockerfile for it.")
	}
	_, err = fmt.Fprintln(p.stderr, strings.Join(said, "\n"))
	_, printErr := fmt.Fprint(p.stdout, preview.Dockerfile)
	return errors.Join(err, printErr)
}

// send creates the app, or the next release of the one that is there.
func (p *program) send(ctx context.Context, api *client, wish deployWish, upload *upload) (releaseAnswer, error) {
	upload.progress = newProgress(p.stderr, upload.bytes)
	found, err := api.findApp(ctx, wish.name)
	switch {
	case err == nil && wish.fallback:
		if err := api.setFallback(ctx, wish.name); err != nil {
			return releaseAnswer{}, err
		}
		return p.update(ctx, api, wish, found, upload)
	case err == nil:
		return p.update(ctx, api, wish, found, upload)
	case problem.KindOf(err) == problem.KindNotFound:
		return api.createApp(ctx, wish, upload)
	default:
		return releaseAnswer{}, err
	}
}

// awaitLive follows the release to its end, and returns an error where it did not go live.
func (p *program) awaitLive(ctx context.Context, api *client, id app.ReleaseID) (releaseAnswer, error) {
	final, err := p.follow(ctx, api, id)
	if err != nil {
		return releaseAnswer{}, interrupted(ctx, err, id)
	}
	if final.State != app.ReleaseLive && final.State != app.ReleaseSuperseded {
		return releaseAnswer{}, &releaseError{id: final.id(), state: final.State, reason: final.Reason, hint: final.Hint}
	}
	return final, nil
}

// follow copies the log of the release to stderr until the release is final. A
// server that restarts meanwhile is waited for, and no line is shown twice.
func (p *program) follow(ctx context.Context, api *client, id app.ReleaseID) (releaseAnswer, error) {
	shown, failures, between := int64(0), 0, followPause
	for {
		n, err := api.copyLog(ctx, id, shown, p.stderr)
		shown += n
		var release releaseAnswer
		if err == nil {
			release, err = api.findRelease(ctx, id)
		}
		switch {
		case err == nil && !release.State.UnderWay():
			return release, nil
		case err == nil:
			failures = 0
		default:
			failures++
		}
		if ctx.Err() != nil {
			return releaseAnswer{}, ctx.Err()
		}
		if failures > followAttempts || err != nil && problem.KindOf(err) != problem.KindUnavailable {
			return releaseAnswer{}, err
		}
		if err := pause.For(ctx, between); err != nil {
			return releaseAnswer{}, err
		}
		between = min(2*between, mostFollowPause)
	}
}

// interrupted says that the release goes on without its follower.
func interrupted(ctx context.Context, err error, id app.ReleaseID) error {
	if ctx.Err() == nil {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("stopped following release %s, which goes on: %w", id, ctx.Err())
	}
	return problem.Unavailable(
		fmt.Sprintf("Release %s is still under way.", id),
		"It goes on: see its page. A longer --timeout waits longer.",
	).Because(ctx.Err())
}
