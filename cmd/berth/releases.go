package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"berth/controller/printable"
)

// diffAnswer is what the API says of how two releases differ.
type diffAnswer struct {
	App      string `json:"app"`
	From, To int64
	Same     bool
	Files    struct {
		Compared                bool
		Note                    string
		Added, Removed, Changed int
		List                    []struct {
			Path      string `json:"path"`
			Change    string `json:"change"`
			FromBytes int64  `json:"from_bytes"`
			ToBytes   int64  `json:"to_bytes"`
			Lines     []string
			Note      string
		}
	}
	Images []struct {
		Service, Change, From, To string
	}
	Variables []struct {
		Service, Name, Change string
	}
	Settings []struct {
		Service, Name, From, To string
		Hidden                  bool
	}
	Notes []string
}

// runReleaseDiff prints what changed between two releases.
func runReleaseDiff(ctx context.Context, p *program, args []string) error {
	flags := newFlags("releases diff")
	line := p.addLineFlags(flags)
	with := flags.Int64("with", 0, "the release to compare with; without it, the newest earlier one that ran")
	lines := flags.Bool("lines", false, "also show the lines of the files that differ, which takes a token that may deploy; secrets are hidden")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	asked := releaseRow + "/diff"
	if *lines {
		asked += "/lines"
	}
	path, _, err := row{get: true, path: asked}.request(p, words)
	if err != nil {
		return err
	}
	if *with < 0 {
		return &usageError{errors.New("--with takes the number of a release, such as 3")}
	}
	if *with > 0 {
		path += "?" + url.Values{"with": {strconv.FormatInt(*with, 10)}}.Encode()
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, rowTimeout)
	defer cancel()
	var answer diffAnswer
	if err := api.find(ctx, path, &answer); err != nil {
		return err
	}
	return p.show(api, func() error {
		page := diffPrinter{out: p.stdout}
		page.print(answer)
		return page.err
	})
}

// diffPrinter prints a difference. What comes from an archive cannot steer the terminal.
type diffPrinter struct {
	out io.Writer
	err error // the first one
}

func (d *diffPrinter) line(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintln(d.out, printable.Replace(fmt.Sprintf(format, args...), '\uFFFD'))
	}
}

// text prints a line as it is, but for what steers a terminal.
func (d *diffPrinter) text(line string) {
	if d.err == nil {
		_, d.err = fmt.Fprintln(d.out, printable.Plain(line))
	}
}

func (d *diffPrinter) print(answer diffAnswer) {
	d.line("%s r%d -> r%d", answer.App, answer.From, answer.To)
	for _, note := range answer.Notes {
		d.line("%s", note)
	}
	d.files(answer)
	if answer.Same && answer.Files.Compared {
		d.line("Nothing differs.")
		return
	}
	if len(answer.Images) > 0 {
		d.line("Images")
	}
	for _, image := range answer.Images {
		d.line("  %s %s: %s -> %s", sign(image.Change), image.Service, dash(image.From), dash(image.To))
	}
	if len(answer.Variables) > 0 {
		d.line("Variables")
	}
	for _, variable := range answer.Variables {
		d.line("  %s %s", sign(variable.Change), ofService(variable.Service, variable.Name))
	}
	if len(answer.Settings) > 0 {
		d.line("Settings")
	}
	for _, setting := range answer.Settings {
		if setting.Hidden {
			d.line("  %s: changed", ofService(setting.Service, setting.Name))
			continue
		}
		d.line("  %s: %s -> %s", ofService(setting.Service, setting.Name), dash(setting.From), dash(setting.To))
	}
}

func (d *diffPrinter) files(answer diffAnswer) {
	files := answer.Files
	if !files.Compared {
		d.line("Files: %s", files.Note)
		return
	}
	count := files.Added + files.Removed + files.Changed
	if count == 0 {
		return
	}
	d.line("Files: %d added, %d removed, %d changed", files.Added, files.Removed, files.Changed)
	for _, file := range files.List {
		switch file.Change {
		case "added":
			d.line("  + %s (%d B)", file.Path, file.ToBytes)
		case "removed":
			d.line("  - %s (%d B)", file.Path, file.FromBytes)
		default:
			d.line("  ~ %s (%d B -> %d B)", file.Path, file.FromBytes, file.ToBytes)
		}
		for _, line := range file.Lines {
			d.text("      " + line)
		}
		if file.Note != "" {
			d.line("      (%s)", file.Note)
		}
	}
	if left := count - len(files.List); left > 0 {
		d.line("  and %d more", left)
	}
}

func sign(change string) string {
	switch change {
	case "added":
		return "+"
	case "removed":
		return "-"
	default:
		return "~"
	}
}

// ofService puts the service before the name; the app's own has none.
func ofService(service, name string) string {
	if service == "" {
		return name
	}
	return service + " " + name
}

// saved is the command that copies what the row answers into a file. A file that is here
// already is not written over.
func (r row) saved(name, summary string, queries ...string) command {
	made := r.command(name, summary)
	made.arguments = strings.Replace(made.arguments, "[flags]", "[-o FILE] [flags]", 1)
	made.run = func(ctx context.Context, p *program, args []string) error {
		flags := newFlags(name)
		line := p.addLineFlags(flags)
		into := flags.String("o", "", "the file to write; without it, or with -, standard output")
		query := addQueries(flags, queries)
		words, err := p.parseFlags(flags, args)
		if err != nil {
			return err
		}
		path, _, err := r.request(p, words)
		if err != nil {
			return err
		}
		path += query()
		api, err := p.openClient(line)
		if err != nil {
			return err
		}
		if *into == "" || *into == "-" {
			return api.copyTo(ctx, path, p.stdout)
		}
		return api.copyToFile(ctx, path, *into)
	}
	return made
}

// addQueries adds a flag for each parameter, written "name: what it is". The function
// returns the query of those that were given.
func addQueries(flags *flag.FlagSet, queries []string) func() string {
	given := map[string]*string{}
	for _, query := range queries {
		name, usage, _ := strings.Cut(query, ": ")
		given[name] = flags.String(name, "", usage)
	}
	return func() string {
		values := url.Values{}
		for name, value := range given {
			if *value != "" {
				values.Set(name, *value)
			}
		}
		if len(values) == 0 {
			return ""
		}
		return "?" + values.Encode()
	}
}

// copyToFile copies an answer into a new file, or leaves none.
func (c *client) copyToFile(ctx context.Context, path, name string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the person who runs the program names the file
	if err != nil {
		return &usageError{err}
	}
	if err := errors.Join(c.copyTo(ctx, path, file), file.Close()); err != nil {
		return errors.Join(err, os.Remove(name)) //nolint:gosec // half a file is worse than none, and it was made above
	}
	return nil
}
