package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"berth/controller/importing"
	"berth/controller/plan"
	"berth/controller/problem"
)

// importTimeout bounds an import: it copies all data, and deploys one app after the other.
const importTimeout = 12 * time.Hour

// importWish is the command line of berth import, parsed.
type importWish struct {
	importing.Wish
	line    lineFlags
	choices [][2]string // fields of the form of each app
	yes     bool
	noData  bool // copies nothing
	again   bool // copies also into a volume that holds files
}

// runImport reads the apps of another platform, shows what it would make of them, and makes
// it once that is confirmed.
func runImport(ctx context.Context, p *program, args []string) error {
	wish, err := p.parseImport(args)
	if err != nil {
		return err
	}
	made, err := importing.Read(wish.Wish)
	if err != nil {
		return err
	}
	api, err := p.openClient(wish.line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, importTimeout)
	defer cancel()
	work := &importWork{program: p, api: api, wish: wish, plan: made}
	defer work.close()
	if err := work.look(ctx); err != nil {
		return err
	}
	if err := work.show(); err != nil {
		return err
	}
	if err := work.faults(); err != nil {
		return err
	}
	if !work.hasWork() {
		_, err := fmt.Fprintln(p.stderr, "All of it is there already.")
		return err
	}
	if !wish.yes {
		if err := p.confirm(ctx, "Import this"); err != nil {
			return err
		}
	}
	return work.run(ctx)
}

func (p *program) parseImport(args []string) (importWish, error) {
	flags := newFlags("import")
	var only, sources, data names
	name := flags.String("name", "", "name of the only app that is imported")
	route := flags.String("route", "", "where the only app answers: /path, host or host/path")
	project := flags.String("project", "", "with compose: the name of the project, as docker compose -p has it")
	flags.Var(&only, "only", "an app of the export that is imported, and no other; may be repeated")
	flags.Var(&sources, "source", "APP=FOLDER or APP=IMAGE: what an app is made of that the export has no source of; may be repeated")
	flags.Var(&data, "data", "VOLUME=SOURCE: a volume of Docker, or an absolute path, that a volume of the app is filled from; may be repeated")
	noData := flags.Bool("no-data", false, "copy no files into volumes")
	again := flags.Bool("replace-data", false, "copy files also into volumes that hold files, which go")
	yes := flags.Bool("yes", false, "do not ask first")
	choices := addChoiceFlags(flags)
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return importWish{}, err
	}
	if len(words) != 2 {
		return importWish{}, p.wrongWords()
	}
	wish := importWish{line: line, yes: *yes, noData: *noData, again: *again}
	wish.Wish = importing.Wish{
		Form: importing.Form(words[0]), Path: words[1], Only: only, Name: *name, Route: *route, Project: *project, Plain: choices.plain,
		Lookup: func(name string) (string, bool) { value := p.variable(name); return value, value != "" },
	}
	if wish.Sources, err = pairsOf("--source", sources); err != nil {
		return importWish{}, err
	}
	if wish.Data, err = pairsOf("--data", data); err != nil {
		return importWish{}, err
	}
	wish.choices, err = choices.fields(p)
	return wish, err
}

// pairsOf reads NAME=TEXT of a flag that may be repeated.
func pairsOf(flag string, texts []string) (map[string]string, error) {
	pairs := map[string]string{}
	for _, text := range texts {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" || value == "" {
			return nil, &usageError{fmt.Errorf("%s %.80q is not NAME=VALUE; see berth help import", flag, text)}
		}
		pairs[name] = value
	}
	return pairs, nil
}

// open opens what the app is made of.
func (s *importStep) open(ctx context.Context) (*upload, error) {
	source := s.app.Source
	nothing := func() error { return nil }
	switch {
	case source.Image != "":
		reference, err := plan.ParseImageReference(source.Image)
		return &upload{image: reference, close: nothing}, err
	case source.Compose != "":
		return &upload{compose: source.Compose, close: nothing}, nil
	}
	upload, err := openUpload(ctx, source.Folder)
	if err != nil {
		return nil, err
	}
	upload.dockerfile = source.Dockerfile
	return upload, nil
}

// faults says all that stands in the way.
func (w *importWork) faults() error {
	var all problem.Refusals
	for _, step := range w.steps {
		for _, fault := range step.app.Faults {
			all = append(all, &problem.Refusal{File: step.app.Name, Reason: fault.Reason, Hint: fault.Hint})
		}
	}
	if len(all) == 0 {
		return nil
	}
	found, _ := errors.AsType[*problem.Problem](problem.Refused("", all)) // it returns no other
	found.Err = nil                                                       // the message says it
	found.Message = "Nothing was imported. " + found.Message
	return found
}

// run copies the data and deploys the apps, one after the other. An app that fails keeps no
// other one from its import.
func (w *importWork) run(ctx context.Context) error {
	var failed []string
	for _, step := range w.steps {
		err := w.take(ctx, step)
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if err == nil {
			continue
		}
		if len(w.steps) == 1 {
			return err
		}
		report(w.program.stderr, err)
		failed = append(failed, step.app.Name)
	}
	if len(failed) == 0 {
		return nil
	}
	return problem.Conflict("Not imported as a whole: "+strings.Join(failed, ", ")+".", "Fix what is said above, and start the same import again: it goes on.")
}

// take does what is left to do for one app. Its data comes first, so that it never starts
// without.
func (w *importWork) take(ctx context.Context, step *importStep) error {
	for _, data := range step.data {
		if err := w.copyData(ctx, data); err != nil {
			return err
		}
	}
	if step.deploys() {
		if err := w.deploy(ctx, step); err != nil {
			return err
		}
	}
	for _, domain := range step.domains {
		path := appPath(step.name()) + "/routes"
		if _, err := w.api.ask(ctx, http.MethodPost, path, map[string]any{"route": domain}); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(w.program.stderr, "%s answers at %s too.\n", step.app.Name, domain)
	}
	if !step.deploys() && len(step.domains) == 0 {
		return nil
	}
	found, err := w.api.findApp(ctx, step.name())
	if err != nil {
		return err
	}
	out := w.program.stdout
	if *w.wish.line.json { // which has the plan
		out = w.program.stderr
	}
	_, err = fmt.Fprintf(out, "%s is live: %s\n", step.app.Name, strings.Join(found.URLs, " "))
	return err
}

func (w *importWork) deploy(ctx context.Context, step *importStep) error {
	upload, err := step.open(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w.program.stderr, "Deploying %s.\n", step.app.Name)
	release, err := w.program.send(ctx, w.api, step.wish(w.wish.choices), upload)
	if err := errors.Join(err, upload.close()); err != nil {
		return err
	}
	_, err = w.program.awaitLive(ctx, w.api, release.id())
	return err
}
