package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// program is the outside of a command.
type program struct {
	environment []string // NAME=value
	stdin       io.Reader
	stdout      io.Writer
	stderr      io.Writer

	command *command // that runs
	verb    string   // that the command's name holds, for what takes it as a word
	verbAt  int      // which word that is
	asking  bool     // only the names of the flags are wanted: no command does more than parse
}

// variable returns the value of an environment variable, empty where it is not set.
func (p *program) variable(name string) string {
	for _, entry := range slices.Backward(p.environment) {
		if key, text, _ := strings.Cut(entry, "="); key == name {
			return text
		}
	}
	return ""
}

// runner does what a command says.
type runner func(ctx context.Context, p *program, args []string) error

// command is one line of the tree: a verb, or a noun and a verb.
type command struct {
	name      string // the words after berth, such as "releases list"
	arguments string // what stands behind the name in the help
	summary   string
	run       runner
	rows      []string // the rows of the API that it asks, such as "GET /api/v1/apps"
	earlier   bool     // a spelling from before the tree: it works, and the help does not show it
}

// findCommand returns the command that args name and what stands behind the
// name. No name means help, so that nothing is started by accident; nil means an
// unknown name, or a flag in its place.
func findCommand(args []string) (*command, []string) {
	switch {
	case len(args) == 0:
		return findCommand([]string{"help"})
	case slices.Contains([]string{"-h", "-help", "--help"}, args[0]):
		return findCommand(append([]string{"help"}, args[1:]...))
	case args[0] == "--version" || args[0] == "-version":
		return findCommand(append([]string{"version"}, args[1:]...))
	}
	all := commands()
	for words := min(len(args), mostCommandWords); words > 0; words-- {
		name := strings.Join(args[:words], " ")
		if at := slices.IndexFunc(all, func(c command) bool { return c.name == name }); at >= 0 {
			return &all[at], args[words:]
		}
	}
	return nil, args
}

// configFlag is a flag of the commands that work with the settings of the server.
const configFlag = "config"

// mostCommandWords is how many words a name has: "server egress-proxy", "releases list".
const mostCommandWords = 2

// noCommand says that nothing is called so, and what is near.
func noCommand(args []string) error {
	if names := verbNames(args[0]); len(names) > 0 {
		said := "berth " + args[0] + " takes one of " + strings.Join(names, ", ")
		if len(args) > 1 {
			said += fmt.Sprintf(", not %.60q", args[1])
		}
		return &usageError{fmt.Errorf("%s; see berth help %s", said, args[0])}
	}
	return &usageError{fmt.Errorf("there is no command %.60q; see berth help", args[0])}
}

// verbsOf returns the commands of a noun, in the order of the help.
func verbsOf(noun string) []command {
	return slices.DeleteFunc(commands(), func(c command) bool { return c.earlier || !strings.HasPrefix(c.name, noun+" ") })
}

// verbNames are the verbs alone.
func verbNames(noun string) []string {
	var names []string
	for _, verb := range verbsOf(noun) {
		names = append(names, strings.TrimPrefix(verb.name, noun+" "))
	}
	return names
}

func runHelp(ctx context.Context, p *program, args []string) error {
	if len(args) == 0 || args[0] == "help" || strings.HasPrefix(args[0], "-") {
		return p.printTree()
	}
	if verbs := verbsOf(args[0]); len(args) == 1 && len(verbs) > 0 {
		return p.printVerbs(args[0], verbs)
	}
	command, rest := findCommand(args)
	if command == nil || len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return noCommand(args)
	}
	p.command = command
	return command.run(ctx, p, []string{"--help"})
}

// printTree prints every command but those of the server's own: a noun with its verbs in
// one line.
func (p *program) printTree() error {
	table := p.table()
	_, _ = fmt.Fprintf(table, "Berth builds what you upload, runs it hardened and puts it behind its proxy.\n\nUsage: berth COMMAND\n\n")
	shown := map[string]bool{}
	for _, c := range commands() {
		noun, _, several := strings.Cut(c.name, " ")
		if c.earlier || noun == serverNoun || shown[noun] {
			continue
		}
		shown[noun] = true
		said := c.summary
		if several {
			said = strings.Join(verbNames(noun), ", ")
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", noun, said)
	}
	_, _ = fmt.Fprint(table, treeManual)
	if len(verbsOf(serverNoun)) > 0 { // the client alone has none
		_, _ = fmt.Fprintln(table, "'berth help server' lists what runs on the server itself.")
	}
	return table.Flush()
}

const treeManual = `
'berth help COMMAND' says what a command takes, such as 'berth help env set'. In a folder
with a berth.toml, [APP] is the app of that folder. --json prints the server's answer.
`

func (p *program) printVerbs(noun string, verbs []command) error {
	table := p.table()
	_, _ = fmt.Fprintf(table, "Usage: berth %s COMMAND\n\n", noun)
	for _, c := range verbs {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", strings.TrimSpace(c.name+" "+c.arguments), c.summary)
	}
	_, _ = fmt.Fprintf(table, "\n'berth help %s COMMAND' says what one of them takes.\n", noun)
	return table.Flush()
}

// newFlags returns an empty set of flags of a command, which prints nothing by itself.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parseFlags parses args, flags and words in any order, and returns the words.
// It prints the help and returns flag.ErrHelp where that was asked for.
func (p *program) parseFlags(flags *flag.FlagSet, args []string) (words []string, err error) {
	if p.asking {
		flags.VisitAll(func(f *flag.Flag) {
			if !isSetting(f.Name) {
				_, _ = fmt.Fprintln(p.stdout, "--"+f.Name)
			}
		})
		return nil, flag.ErrHelp
	}
	for {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			p.printUsage(flags)
			return nil, err
		}
		if err != nil {
			return nil, &usageError{fmt.Errorf("%w; see berth help %s", err, p.command.name)}
		}
		if flags.NArg() == 0 {
			return p.withVerb(words), nil
		}
		words, args = append(words, flags.Arg(0)), flags.Args()[1:]
	}
}

// withVerb puts the verb where the earlier spelling has it: NAME list, or quota NAME.
func (p *program) withVerb(words []string) []string {
	if p.verb == "" {
		return words
	}
	return slices.Insert(words, min(p.verbAt, len(words)), p.verb)
}

// parseFlagsOnly is parseFlags for a command that takes no words.
func (p *program) parseFlagsOnly(flags *flag.FlagSet, args []string) error {
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return &usageError{fmt.Errorf("berth %s takes no %.60q; see berth help %s", p.command.name, words[0], p.command.name)}
	}
	return nil
}

func (p *program) printUsage(flags *flag.FlagSet) {
	command := p.command
	_, _ = fmt.Fprintf(p.stdout, "%s\n\nUsage: berth %s\n", command.summary, strings.TrimSpace(command.name+" "+command.arguments))
	table := p.table()
	_, _ = fmt.Fprintln(table)
	flags.VisitAll(func(f *flag.Flag) {
		if isSetting(f.Name) {
			return
		}
		_, _ = fmt.Fprintf(table, "  --%s\t%s%s\n", f.Name, f.Usage, shownDefault(f.DefValue))
	})
	_ = table.Flush()
	if flags.Lookup(configFlag) != nil {
		p.printSettings(flags.Name())
	}
}

func shownDefault(text string) string {
	if text == "" || text == "false" {
		return ""
	}
	return " (" + text + ")"
}
