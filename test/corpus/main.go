// Command corpus plans every compose file below the given folders, each with the files
// beside it, and prints a line of JSON for each and how many of them are planned.
//
//	go run ./test/corpus [--variables plain|secret|none] [--binds refuse|volumes] DIR...
//
// A template.toml beside a compose file, and Coolify's variables and keys in it, are read
// first, as an upload's are. The template's variables have values as --variables says.
//
// Causes of refusals are counted without the names and numbers in them, so that one cause
// is one row. It changes nothing, asks no network and needs no engine.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"berth/controller/plan"
	"berth/controller/problem"
)

// What becomes of binds of folders of the host that are plainly data.
const (
	bindsRefuse  = "refuse"
	bindsVolumes = "volumes" // as if a person had confirmed them
)

// The ways in which the variables of a file have values.
const (
	variablesPlain  = "plain"  // each has a plain value
	variablesSecret = "secret" // each is a secret of the app
	variablesNone   = "none"   // none has a value
)

// choices are what a person would choose on the form.
type choices struct {
	variables, binds string
}

// planned is what came of one file.
type planned struct {
	File    string   `json:"file"`
	Dialect string   `json:"dialect,omitempty"`
	Read    bool     `json:"read"` // the template was read, or there is none
	Planned bool     `json:"planned"`
	Main    string   `json:"main,omitempty"`
	Port    uint16   `json:"port,omitempty"` // 0: the image decides
	Notes   []string `json:"notes,omitempty"`
	Waivers []string `json:"waivers,omitempty"` // security exceptions that a person gives with a tick each
	Causes  []string `json:"causes,omitempty"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	flags := flag.NewFlagSet("corpus", flag.ContinueOnError)
	flags.SetOutput(errs)
	var choose choices
	flags.StringVar(&choose.variables, "variables", variablesPlain, "what the variables of the files are: plain, secret or none")
	flags.StringVar(&choose.binds, "binds", bindsRefuse, "what becomes of binds of data folders of the host: refuse or volumes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !slices.Contains([]string{variablesPlain, variablesSecret, variablesNone}, choose.variables) {
		return fmt.Errorf("--variables is %q, and plain, secret or none are known", choose.variables)
	}
	if !slices.Contains([]string{bindsRefuse, bindsVolumes}, choose.binds) {
		return fmt.Errorf("--binds is %q, and refuse or volumes are known", choose.binds)
	}
	if flags.NArg() == 0 {
		return errors.New("give at least one folder")
	}
	lines := json.NewEncoder(out)
	for _, folder := range flags.Args() {
		files, err := composeFiles(folder)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("%s holds no compose file", folder)
		}
		sum := summary{causes: make(map[string]int)}
		for _, file := range files {
			one, err := examine(ctx, folder, file, choose)
			if err != nil {
				return err
			}
			sum.add(one)
			if err := lines.Encode(one); err != nil {
				return err
			}
		}
		sum.print(out, folder)
	}
	return nil
}

// composeFiles are the compose files below folder, one of each folder, in order.
func composeFiles(folder string) ([]string, error) {
	names := []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
	var found []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		for _, name := range names {
			if info, err := os.Stat(filepath.Join(path, name)); err == nil && info.Mode().IsRegular() {
				found = append(found, filepath.Join(path, name))
				break
			}
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// examine plans the folder of one compose file as it is uploaded.
func examine(ctx context.Context, below, file string, choose choices) (planned, error) {
	shown, err := filepath.Rel(below, file)
	if err != nil {
		return planned{}, err
	}
	one := planned{File: shown}
	name, text, refused, err := dialectOf(file)
	if err != nil {
		return planned{}, err
	}
	one.Dialect = string(name)
	if refused != nil {
		one.Causes = causes(refused)
		return one, ctx.Err()
	}
	one.Read = true
	options := plan.Options{
		Limits: plan.DefaultLimits(), Most: plan.DefaultLimits(), Server: os.Args[0], Volumes: choose.binds == bindsVolumes,
	}
	sent, err := pack(ctx, filepath.Dir(file), text, options)
	defer os.Remove(sent.packed)
	if err != nil {
		return planned{}, err
	}
	options = sent.give(options, choose)
	made, err := sent.plan(ctx, options)
	if waivers := grant(&options, err); len(waivers) > 0 {
		one.Waivers = waivers
		made, err = sent.plan(ctx, options)
	}
	if err != nil {
		one.Causes = causes(err)
		return one, ctx.Err()
	}
	one.Planned, one.Main, one.Notes = true, made.Main, made.Notes
	for _, service := range made.Services {
		if service.Name == made.Main {
			one.Port = service.Port
		}
	}
	return one, ctx.Err()
}

// grant gives the services the security exceptions that the form offers, if nothing else
// stands in the way.
func grant(options *plan.Options, err error) []string {
	faults := problem.RefusalsIn(err)
	given := make(map[string]plan.Waivers)
	var names []string
	for _, fault := range faults {
		waivers := given[fault.Subject]
		switch fault.Offer {
		case problem.OfferRootStart:
			waivers.RootStart = true
		case problem.OfferWritableRoot:
			waivers.WritableRoot = true
		default:
			return nil
		}
		given[fault.Subject] = waivers
		names = append(names, fault.Subject+": "+string(fault.Offer))
	}
	options.ServiceWaivers = given
	slices.Sort(names)
	return slices.Compact(names)
}

var reference = regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)(:?[-+])?`)

// unset are the variables that the text refers to without a value of its own for them.
func unset(text string) []string {
	var names []string
	for _, match := range reference.FindAllStringSubmatch(strings.ReplaceAll(text, "$$", ""), -1) {
		if match[2] == "" {
			names = append(names, match[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// causes are the refusals in err.
func causes(err error) []string {
	var all []string
	for _, refusal := range problem.RefusalsIn(err) {
		all = append(all, refusal.Reason)
	}
	if len(all) == 0 {
		all = []string{err.Error()}
	}
	return all
}

// summary counts what came of the files of one folder.
type summary struct {
	files, read, planned, waived int
	causes                       map[string]int
}

func (s *summary) add(one planned) {
	s.files++
	if one.Read {
		s.read++
	}
	if one.Planned {
		s.planned++
	}
	if one.Planned && len(one.Waivers) > 0 {
		s.waived++
	}
	for _, cause := range one.Causes {
		s.causes[general(cause)]++
	}
}

var (
	ofService  = regexp.MustCompile(`([Ss]ervice|variable|volume|network|label|capability|port) [A-Za-z0-9_.-]*[A-Za-z0-9]`)
	ofServices = regexp.MustCompile(`(None of|lead to\?) .+ (has|have) `)
	particular = regexp.MustCompile(`"[^"]*"|[\w./${}:@~-]*[0-9_/${}:@~-][\w./${}:@~-]*\w|\w+\.\w[\w.]*`)
)

// general is the cause without what is of one file alone.
func general(cause string) string {
	cause = ofServices.ReplaceAllString(cause, "$1 X $2 ")
	cause = ofService.ReplaceAllString(cause, "$1 X")
	return particular.ReplaceAllString(cause, "X")
}

func (s *summary) print(out io.Writer, folder string) {
	fmt.Fprintf(out, "%s: %d of %d planned (%.1f%%)\n", filepath.Base(folder), s.planned, s.files, 100*float64(s.planned)/float64(s.files))
	fmt.Fprintf(out, "%5d  templates that could not be read\n", s.files-s.read)
	fmt.Fprintf(out, "%5d  of the planned ones need a security exception, which a person gives with a tick\n", s.waived)
	names := make([]string, 0, len(s.causes))
	for cause := range s.causes {
		names = append(names, cause)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(s.causes[b], s.causes[a]), cmp.Compare(a, b)) })
	for _, cause := range names {
		fmt.Fprintf(out, "%5d  %s\n", s.causes[cause], cause)
	}
}
