package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
)

// rowTimeout bounds what a command of one row waits for.
const rowTimeout = 2 * time.Minute

const (
	appRow     = "/api/v1/apps/:name"
	releaseRow = appRow + "/releases/:number"
	volumeRow  = "/api/v1/volumes/:volume"
	fileGet    = "GET /api/v1/volumes/:volume/files/*path"
)

// row is a command that is one row of the API. The zero row posts an empty body, and shows
// what is answered.
type row struct {
	get     bool
	method  string                             // empty: GET where get is set, else POST
	path    string                             // its parts with a colon are words of the command line, in order
	takes   string                             // a field of the body that is one more word
	file    bool                               // the word names a file, whose content is the field
	fields  bool                               // the words after that are FIELD=VALUE, of the body
	list    string                             // the field of the answer that holds a list; empty: the answer is one thing
	columns string                             // of the list
	confirm bool                               // asks before it is sent
	follow  bool                               // the answer may be a release, which is followed until it is live
	done    string                             // printed where the answer is empty
	queries []string                           // parameters of the address that flags give, as addQueries takes them
	bad     func(answer json.RawMessage) error // what the answer comes to; nil: always good
}

var pathWord = regexp.MustCompile(`:([a-z]+)`)

func (r row) verb() string {
	switch {
	case r.method != "":
		return r.method
	case r.get:
		return http.MethodGet
	default:
		return http.MethodPost
	}
}

// command is the line of the tree for the row.
func (r row) command(name, summary string) command {
	var words []string
	for _, word := range pathWord.FindAllStringSubmatch(r.path, -1) {
		switch {
		case word[1] == "name" && r.confirm:
			words = append(words, "APP")
		case word[1] == "name":
			words = append(words, "[APP]")
		default:
			words = append(words, strings.ToUpper(word[1]))
		}
	}
	if r.takes != "" {
		word := strings.ToUpper(r.takes)
		if r.file {
			word = "FILE"
		}
		words = append(words, word)
	}
	if r.fields {
		words = append(words, "[FIELD=VALUE...]")
	}
	words = append(words, "[flags]")
	return command{name: name, arguments: strings.Join(words, " "), summary: summary, run: r.run, rows: []string{r.verb() + " " + r.path}}
}

// run asks the row and prints what it answers.
func (r row) run(ctx context.Context, p *program, args []string) error {
	flags := newFlags(p.command.name)
	line := p.addLineFlags(flags)
	yes := new(bool)
	if r.confirm {
		flags.BoolVar(yes, "yes", false, "do not ask first")
	}
	query := addQueries(flags, r.queries)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	path, body, err := r.request(p, words)
	if err != nil {
		return err
	}
	path += query()
	if r.confirm && !*yes {
		if err := p.confirm(ctx, p.command.summary+": "+strings.Join(words, " ")); err != nil {
			return err
		}
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, rowTimeout)
	defer cancel()
	answer, err := api.ask(short, r.verb(), path, body)
	if err != nil {
		return err
	}
	if err := r.show(ctx, p, api, answer); err != nil || r.bad == nil {
		return err
	}
	return r.bad(answer)
}

// show prints an answer.
func (r row) show(ctx context.Context, p *program, api *client, answer json.RawMessage) error {
	if r.follow {
		var release releaseAnswer
		if err := json.Unmarshal(answer, &release); err == nil && release.Number != 0 {
			return p.showLive(ctx, api, release.id())
		}
	}
	switch {
	case len(answer) == 0 && r.done == "":
		return nil
	case len(answer) == 0:
		_, err := fmt.Fprintln(p.stdout, r.done)
		return err
	case api.json:
		return p.printJSON(answer)
	case r.list != "":
		return p.printList(answer, r.list, strings.Fields(r.columns))
	default:
		return p.printThing(answer)
	}
}

// showLive follows a release to its end, and prints it.
func (p *program) showLive(ctx context.Context, api *client, id app.ReleaseID) error {
	ctx, cancel := context.WithTimeout(ctx, defaultDeployTime)
	defer cancel()
	final, err := p.awaitLive(ctx, api, id)
	if err != nil {
		return err
	}
	return p.show(api, func() error {
		_, err := fmt.Fprintf(p.stdout, "%s is live.\n", final.id())
		return err
	})
}

// splitFields takes the words apart where FIELD=VALUE begins.
func splitFields(words []string) (plain, fields []string) {
	at := slices.IndexFunc(words, func(w string) bool { return strings.Contains(w, "=") })
	if at < 0 {
		return words, nil
	}
	return words[:at], words[at:]
}

// request is the path and the body that the words make.
func (r row) request(p *program, words []string) (path string, body any, err error) {
	plain, fields := words, []string(nil)
	if r.fields {
		plain, fields = splitFields(words)
	}
	wanted := pathWord.FindAllString(r.path, -1)
	count := len(wanted)
	if r.takes != "" {
		count++
	}
	if !r.confirm && strings.HasPrefix(r.path, appRow) {
		if plain, err = p.withProject(plain, count); err != nil {
			return "", nil, err
		}
	}
	if len(plain) != count {
		return "", nil, p.wrongWords()
	}
	path = r.path
	for i, word := range wanted {
		path = strings.Replace(path, word, url.PathEscape(plain[i]), 1)
	}
	if r.takes == "" && len(fields) == 0 {
		return path, nil, nil
	}
	made, err := fieldsBody(fields)
	if err == nil && r.takes != "" {
		made[r.takes], err = r.taken(plain[count-1])
	}
	return path, made, err
}

// taken is the field that the row takes as a word.
func (r row) taken(word string) (any, error) {
	if r.takes == "name" {
		return word, nil // also one that could be read as a number
	}
	if !r.file {
		return fieldValue(word)
	}
	content, err := readBounded(word)
	if err != nil {
		return nil, &usageError{err}
	}
	return strings.TrimSpace(string(content)), nil
}

// wrongWords says how the command is typed.
func (p *program) wrongWords() error {
	return &usageError{fmt.Errorf("usage: berth %s", strings.TrimSpace(p.command.name+" "+p.command.arguments))}
}

// fieldsBody makes an object of FIELD=VALUE: a value that is JSON is taken as such, any
// other is a text, and a field with a dot is in an object. @ and a file is the text that the
// file holds: a secret is in no list of processes then.
func fieldsBody(fields []string) (map[string]any, error) {
	body := map[string]any{}
	for _, field := range fields {
		name, text, found := strings.Cut(field, "=")
		if !found || name == "" {
			return nil, &usageError{fmt.Errorf("%.60q is not FIELD=VALUE", field)}
		}
		into, parts := body, strings.Split(name, ".")
		for _, part := range parts[:len(parts)-1] {
			inner, _ := into[part].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
			}
			into[part], into = inner, inner
		}
		value, err := fieldValue(text)
		if err != nil {
			return nil, err
		}
		into[parts[len(parts)-1]] = value
	}
	return body, nil
}

func fieldValue(text string) (any, error) {
	if file, fromFile := strings.CutPrefix(text, "@"); fromFile {
		content, err := readAt(file)
		return strings.TrimRight(string(content), "\r\n"), err
	}
	if json.Valid([]byte(text)) {
		return json.RawMessage(text), nil
	}
	return text, nil
}

// readAt reads the file behind an @; "-" is standard input.
func readAt(file string) ([]byte, error) {
	if file == "-" {
		file = standardInput
	}
	content, err := readBounded(file)
	if err != nil {
		return nil, &usageError{fmt.Errorf("read @%s: %w", file, err)}
	}
	return content, nil
}

// verb is a function for NAME VERB ..., whose verb has become a part of the command.
func verb(name string, run runner) runner { return verbAt(1, name, run) }

// verbAt is verb for a function that takes the verb as another word than the second.
func verbAt(at int, name string, run runner) runner {
	return func(ctx context.Context, p *program, args []string) error {
		p.verb, p.verbAt = name, at
		return run(ctx, p, args)
	}
}

// runAPI sends one request as it is typed.
func runAPI(ctx context.Context, p *program, args []string) error {
	flags := newFlags("api")
	line := p.addLineFlags(flags)
	data := flags.String("data", "", "the body: JSON, or @ and a file of it, or @- for standard input")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) != 2 {
		return p.wrongWords()
	}
	path := words[1]
	if !strings.HasPrefix(path, "/") {
		path = "/api/v1/" + path
	}
	body, err := p.dataBody(*data)
	if err != nil {
		return err
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	answer, err := api.ask(ctx, strings.ToUpper(words[0]), path, body)
	if err != nil {
		return err
	}
	return p.printJSON(answer)
}

func (p *program) dataBody(data string) (any, error) {
	file, fromFile := strings.CutPrefix(data, "@")
	if !fromFile {
		if data == "" {
			return nil, nil //nolint:nilnil // no body
		}
		return jsonBody([]byte(data))
	}
	content, err := readAt(file)
	if err != nil {
		return nil, err
	}
	return jsonBody(content)
}

func jsonBody(content []byte) (any, error) {
	if !json.Valid(content) {
		return nil, &usageError{errors.New("--data is not JSON; write @FILE for a file")}
	}
	return json.RawMessage(content), nil
}

// runOpen prints the addresses of an app.
func runOpen(ctx context.Context, p *program, args []string) error {
	name, api, err := p.openApp(newFlags("open"), args)
	if err != nil {
		return err
	}
	found, err := api.findApp(ctx, name)
	if err != nil {
		return err
	}
	return p.show(api, func() error {
		_, err := fmt.Fprintln(p.stdout, strings.Join(found.URLs, "\n"))
		return err
	})
}

// openApp is for a command whose only word is the name of an app.
func (p *program) openApp(flags *flag.FlagSet, args []string) (app.Name, *client, error) {
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return "", nil, err
	}
	if words, err = p.withProject(words, 1); err != nil {
		return "", nil, err
	}
	if len(words) != 1 {
		return "", nil, p.wrongWords()
	}
	name, err := app.ParseName(words[0])
	if err != nil {
		return "", nil, &usageError{err}
	}
	api, err := p.openClient(line)
	return name, api, err
}

// runReleaseLog prints the log of a release, as a whole or as it grows.
func runReleaseLog(ctx context.Context, p *program, args []string) error {
	flags := newFlags("releases log")
	line := p.addLineFlags(flags)
	follow := flags.Bool("f", false, "follow the log until the release is final")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	path, _, err := row{get: true, path: releaseRow + "/log"}.request(p, words)
	if err != nil {
		return err
	}
	if *follow {
		path += "?follow=1"
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	return api.copyTo(ctx, path, p.stdout)
}
