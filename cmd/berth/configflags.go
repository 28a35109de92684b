//go:build linux && cgo

package main

import (
	"flag"
	"fmt"
	"log/slog"
	"strings"
)

// configFlags are the flags of a command that works with the settings of the server.
type configFlags struct {
	file string
	set  values
}

// addConfigFlags adds --config and one flag for each setting.
func (p *program) addConfigFlags(flags *flag.FlagSet) *configFlags {
	c := &configFlags{set: values{}}
	flags.StringVar(&c.file, configFlag, p.variable("BERTH_CONFIG"), "YAML file of settings; BERTH_CONFIG")
	for _, s := range listSettings() {
		c.add(flags, s.path, s)
		if s.secret {
			c.add(flags, s.path+fileSuffix, s)
		}
	}
	return c
}

func (c *configFlags) add(flags *flag.FlagSet, name string, s setting) {
	take := func(text string) error {
		c.set[name] = value{text, "flag --" + name}
		return nil
	}
	if s.boolean {
		flags.BoolFunc(name, s.description, take)
		return
	}
	flags.Func(name, s.description, take)
}

// load returns the configuration of all sources and a logger of its level, which
// has warned of the variables that mean nothing.
func (p *program) load(c *configFlags) (Config, *slog.Logger, error) {
	config, unknown, err := loadConfig(c.file, p.environment, c.set)
	if err != nil {
		return Config{}, nil, &usageError{err}
	}
	logger := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: config.LogLevel}))
	for _, name := range unknown {
		logger.Warn("an environment variable means nothing to Berth", "variable", name)
	}
	return config, logger, nil
}

func isSetting(name string) bool { return knownPath(listSettings(), name) }

// printSettings prints every setting by its flag and its variable. The list is
// long: commands other than serve point to it.
func (p *program) printSettings(command string) {
	if command != "serve" {
		_, _ = fmt.Fprintln(p.stdout, "\nIt takes every setting of the server too; see berth help serve.")
		return
	}
	_, _ = fmt.Fprint(p.stdout, settingsManual)
	table := p.table()
	for _, s := range listSettings() {
		_, _ = fmt.Fprintf(table, "  --%s\t%s\t%s%s\n", s.path, strings.Join(s.variables(), ", "), s.description, shownDefault(s.fallback))
	}
	_ = table.Flush()
}

const settingsManual = `
Settings: a flag wins over a variable, a variable over the file of --config, where
--http.port 80 is "http: {port: 80}". Where two variables are named, the first wins.
A secret can also stand in a file: --secret.key.file, SECRET_KEY_FILE.

`
