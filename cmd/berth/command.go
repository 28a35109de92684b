package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// program is the outside of a command.
type program struct {
	environment []string // NAME=value
	stdout      io.Writer
	stderr      io.Writer
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

// command is one word after berth.
type command struct {
	name      string
	arguments string // what stands behind the name in the help
	summary   string
	run       func(ctx context.Context, p *program, args []string) error
}

// commands returns every command, in the order of the help.
func commands() []command {
	return []command{
		{"serve", "[flags]", "run the controller and the admin app", runServe},
		{"broker", "[flags]", "hold the engine's socket for the controller", runBroker},
		{"helper", "", "work in a volume, in a container that the controller makes for it", runHelper},
		{"deploy", "FOLDER|ARCHIVE|--image IMAGE --name NAME [--route ROUTE] | --check FOLDER|ARCHIVE", "build and run a folder, an archive or an image on a Berth", runDeploy},
		{"static", "[flags]", "serve a folder as a static site; what Berth runs such apps with", runStatic},
		{"pages", "[flags]", "answer visitors where no app does, for the proxy", runPages},
		{"gate", "[flags]", "bound connections and pass them on to the proxy, in front of it", runGate},
		{"egress-proxy", "[flags]", "be the only way out of apps with a list of hosts, in a container that the controller makes", runExit},
		{"egress", "NAME [open | none | list [HOST:PORT...] | allow HOST:PORT...] [flags]", "show and change where an app may connect to", runEgress},
		{"env", "NAME list | set [--build] A=b... | set-secret A | unset A... | import FILE | apply [flags]", "show, change and apply the environment of an app", runEnv},
		{"route", "NAME list | add ROUTE [--take-over] [--service S] [--port P] | change ROUTE NEW | remove ROUTE | move ROUTE APP [flags]", "show and change where an app answers, live at once", runRoute},
		{"port", "NAME list | add PORT [--service SERVICE] [--target PORT] | remove PORT [flags]", "show and change the public ports of an app over TCP and UDP, live at once", runPort},
		{"logs", "NAME [-f] [--since 1h] [--grep TEXT] [--service S] [--requests] [flags]", "print what an app printed, over all its releases, or the requests to it", runLogs},
		{"volume", "[list] | quota NAME SIZE|default [flags]", "show the volumes, and change what one may take on the disk", runVolume},
		{"disks", "[list] | clean | keep [--releases N] [--audit-days N] [--log-days N] [--output-days N] [--event-days N] [--pulled-days N] [--cache-days N] [--cache-gb N] [flags]", "show what grows on the server's disk, clean it, and change what is kept", runDisks},
		{"events", "[--app NAME] [--kind KIND] [--from DAY] [--to DAY] [--before N] [--count N] [flags]", "print what happened to apps and to the server", runEvents},
		{"alerts", "[list] | test NAME [flags]", "show what fires, and the rules and channels of alerts; send a test", runAlerts},
		{"backup", "[drill] [--list] [flags]", "make a backup of the server now, or prove the newest one, and wait for the end; or list the latest", runBackup},
		{"recover", "[--yes]", "make a lost database again from the containers of the apps", runRecover},
		{"restore", "--from FOLDER|URL --key FILE [--list | --app NAME | --volume NAME [--as NAME] | --database FILE]", "bring a server back on an empty machine, or a part of one, from a backup", runRestore},
		{"token", "[list | revoke ID] [flags]", "mint a token for the API, print it and nothing else; or list them, or revoke one", runToken},
		{"passwd", "[NAME] [flags]", "give an account, else the operator's, a one-time password and end its sessions", runPasswd},
		{"limits", "[flags]", "show who is limited; with --clear let everybody go on", runLimits},
		{"audit", "verify|list|export [flags]", "check the audit log, or print it", runAudit},
		{"doctor", "[--probe] [--json] [flags]", "check what a server needs before strangers may reach it; exits with 1 where something is red", runDoctor},
		{"dashboard", "[flags]", "print the name and the password of the proxy's dashboard on this machine", runDashboard},
		{"health", "[flags]", "ask the Berth on this machine whether it is well", runHealth},
		{"version", "", "print the version", runVersion},
		{"help", "[COMMAND]", "print this, or what a command takes", runHelp},
	}
}

// findCommand returns the command that args name and what stands behind the
// name. No name means help, so that nothing is started by accident; nil means an
// unknown name, or a flag in its place.
func findCommand(args []string) (*command, []string) {
	name, rest := "help", args
	switch {
	case len(args) == 0:
	case slices.Contains([]string{"-h", "-help", "--help"}, args[0]):
		name, rest = "help", args[1:]
	case args[0] == "--version" || args[0] == "-version":
		name, rest = "version", args[1:]
	default:
		name, rest = args[0], args[1:]
	}
	all := commands()
	at := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if at < 0 {
		return nil, args
	}
	return &all[at], rest
}

func runHelp(ctx context.Context, p *program, args []string) error {
	if len(args) > 0 && args[0] != "help" && !strings.HasPrefix(args[0], "-") {
		command, _ := findCommand(args[:1])
		if command == nil {
			return &usageError{fmt.Errorf("there is no command %.60q; see berth help", args[0])}
		}
		return command.run(ctx, p, []string{"--help"})
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(table, "Berth builds what you upload, runs it hardened and puts it behind its proxy.\n\nUsage: berth [COMMAND]\n\n")
	for _, c := range commands() {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", c.name, c.summary)
	}
	_, _ = fmt.Fprintf(table, "\n'berth help COMMAND' says what a command takes.\n")
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
	for {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			p.printUsage(flags)
			return nil, err
		}
		if err != nil {
			return nil, &usageError{fmt.Errorf("%w; see berth help %s", err, flags.Name())}
		}
		if flags.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, flags.Arg(0)), flags.Args()[1:]
	}
}

// parseFlagsOnly is parseFlags for a command that takes no words.
func (p *program) parseFlagsOnly(flags *flag.FlagSet, args []string) error {
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return &usageError{fmt.Errorf("berth %s takes no %.60q; see berth help %s", flags.Name(), words[0], flags.Name())}
	}
	return nil
}

func (p *program) printUsage(flags *flag.FlagSet) {
	command, _ := findCommand([]string{flags.Name()})
	_, _ = fmt.Fprintf(p.stdout, "%s\n\nUsage: berth %s %s\n", command.summary, command.name, command.arguments)
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
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
