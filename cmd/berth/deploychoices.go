package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/plan"
)

// choiceFlags are the flags of berth deploy that answer what an archive leaves open. An
// app that is there keeps them as its settings and its variables.
type choiceFlags struct {
	main, port          string
	profiles, compose   names
	hostFolders, dotenv bool
	imageVolumes        bool
	serviceRoutes       names // ROUTE=SERVICE or ROUTE=SERVICE:PORT
	bound               names // SERVICE:/place=image or =volume
	set                 names // NAME=value
	buildArguments      names // NAME=value
	secrets             names // of variables of the environment
	plain               names // of variables of a template
	waive               names // an exception, or exception:service,...
	readiness           app.ReadinessForm
}

// names is a flag that may stand there several times.
type names []string

func (n *names) String() string { return strings.Join(*n, " ") }

// Set takes one more.
func (n *names) Set(text string) error {
	*n = append(*n, text)
	return nil
}

func addChoiceFlags(flags *flag.FlagSet) *choiceFlags {
	c := &choiceFlags{}
	flags.StringVar(&c.main, "main", "", "service of a compose file that the route leads to")
	flags.StringVar(&c.port, "port", "", "port that the app listens on; without it the image's")
	flags.Var(&c.profiles, "profile", "profile of a compose file whose services run too; may be repeated")
	flags.Var(&c.compose, "compose", "path of a compose file in the archive; repeated, the later files change the first")
	flags.BoolVar(&c.hostFolders, "host-folders", false, "use volumes of the app in place of data folders of the host; nothing of the host is taken over")
	flags.BoolVar(&c.dotenv, "dotenv", false, "use the values of the archive's .env for variables that the app lacks")
	flags.StringVar(&c.readiness.StartTime, "start-time", "", "how long a release may take to become ready, such as 3m; without it the health check decides")
	flags.StringVar(&c.readiness.By, "ready", "", "what shows that a release is ready: http, tcp (the port accepts connections) or health (the container's own health check alone)")
	flags.StringVar(&c.readiness.Path, "ready-path", "", "with --ready http: the path that is asked, such as /healthz")
	flags.StringVar(&c.readiness.Status, "ready-status", "", "with --ready http: the status of the right answer; without it any below 500")
	flags.StringVar(&c.readiness.Scheme, "scheme", "", "what the proxy speaks with the app: http, or h2c for gRPC")
	flags.BoolVar(&c.imageVolumes, "image-volumes", false, "keep the volumes that images declare: each becomes a volume of the app")
	flags.Var(&c.serviceRoutes, "service-route", "ROUTE=SERVICE or ROUTE=SERVICE:PORT of a new app with a compose file, in place of the routes that the file asks for; may be repeated")
	flags.Var(&c.bound, "bound", "SERVICE:/place=image or SERVICE:/place=volume: what a file or folder of the archive becomes that the service mounts there; may be repeated")
	flags.Var(&c.set, "set", "NAME=value of a plain variable; may be repeated")
	flags.Var(&c.buildArguments, "build-arg", "NAME=value of a plain variable that the build gets too; may be repeated")
	flags.Var(&c.secrets, "secret", "NAME of a secret, whose value is the environment variable NAME of this command; may be repeated")
	flags.Var(&c.plain, "plain", "NAME of a variable that a template asks for and that is kept plain, not as a secret; may be repeated")
	flags.Var(&c.waive, "waive", "security exception: database, database:SERVICE,..., root_start, root_start:SERVICE,... or writable_root; needs a token of the scope admin")
	return c
}

// fields are those of the upload's form.
func (c *choiceFlags) fields(p *program) ([][2]string, error) {
	var fields [][2]string
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, [2]string{name, value})
		}
	}
	if _, err := app.ParsePort(c.port); err != nil {
		return nil, &usageError{fmt.Errorf("--port: %w", err)}
	}
	add("main", c.main)
	add("port", c.port)
	add("profiles", strings.Join(c.profiles, ","))
	add("compose", strings.Join(c.compose, ","))
	if _, wrong := app.ParseReadiness(c.readiness); len(wrong) > 0 {
		return nil, &usageError{wrong}
	}
	add(app.FieldReady, c.readiness.By)
	add(app.FieldReadyPath, c.readiness.Path)
	add(app.FieldReadyStatus, c.readiness.Status)
	add(app.FieldStartTime, c.readiness.StartTime)
	add(app.FieldScheme, c.readiness.Scheme)
	if c.hostFolders {
		add("host_folders", strconv.FormatBool(true))
	}
	if c.dotenv {
		add("dotenv", strconv.FormatBool(true))
	}
	if c.imageVolumes {
		add("image_volumes", strconv.FormatBool(true))
	}
	if _, err := app.ParseBoundChoices(strings.Join(c.bound, ",")); err != nil {
		return nil, &usageError{fmt.Errorf("--bound: %w", err)}
	}
	add("service_routes", strings.Join(c.serviceRoutes, ","))
	add(app.FieldBound, strings.Join(c.bound, ","))
	variables, err := c.variables(p)
	if err != nil {
		return nil, err
	}
	waivers, err := c.waivers()
	return append(append(fields, variables...), waivers...), err
}

func (c *choiceFlags) variables(p *program) ([][2]string, error) {
	var fields [][2]string
	plain, build := slices.Clone(c.plain), []string(nil)
	for i, pair := range append(slices.Clone(c.set), c.buildArguments...) {
		name, value, found := strings.Cut(pair, "=")
		if !found || name == "" || value == "" {
			return nil, &usageError{errors.New("--set and --build-arg take NAME=value, with a value; see berth help deploy")} // it may hold a secret
		}
		if plain = append(plain, name); i >= len(c.set) {
			build = append(build, name)
		}
		fields = append(fields, [2]string{"value_" + name, value})
	}
	for _, name := range c.secrets {
		value := p.variable(name)
		if value == "" {
			return nil, &usageError{errors.New("--secret takes the NAME of an environment variable of this command, which has a value; see berth help deploy")}
		}
		fields = append(fields, [2]string{"value_" + name, value})
	}
	if len(plain) > 0 {
		fields = append(fields, [2]string{"plain", strings.Join(plain, ",")})
	}
	if len(build) > 0 {
		fields = append(fields, [2]string{"build", strings.Join(build, ",")})
	}
	return fields, nil
}

func (c *choiceFlags) waivers() ([][2]string, error) {
	var fields [][2]string
	for _, text := range c.waive {
		exception, services, named := strings.Cut(text, ":")
		switch {
		case exception == "database" && services != "":
			fields = append(fields, [2]string{"database_services", services})
		case exception == "database" && !named:
			fields = append(fields, [2]string{"database", "true"})
		case exception == "root_start" && services != "":
			fields = append(fields, [2]string{"root_start", services})
		case exception == "root_start" && !named:
			fields = append(fields, [2]string{"root_start", plan.MainService})
		case exception == "writable_root" && !named:
			fields = append(fields, [2]string{"writable_root", "true"})
		default:
			return nil, &usageError{fmt.Errorf("--waive %.60q is no security exception: use database, database:SERVICE,..., root_start, root_start:SERVICE,... or writable_root", text)}
		}
	}
	return fields, nil
}
