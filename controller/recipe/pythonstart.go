package recipe

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"berth/controller/printable"
	"berth/controller/problem"
)

// pythonStart says how a Python app is started.
type pythonStart struct {
	words     []string // the command, if it needs no shell
	shell     string   // the command, if it needs a shell
	server    string   // requirement to add
	installed bool     // the project itself must be installed
	prepare   string   // a command that runs once in the image
	reasons   []string
}

// webFramework is a framework, recognised by the line that makes its app.
type webFramework struct {
	class string
	async bool // it uses ASGI
}

var webFrameworks = []webFramework{
	{"FastAPI", true}, {"Starlette", true}, {"Litestar", true}, {"Quart", true}, {"Flask", false},
}

var (
	appPattern = regexp.MustCompile(`(?m)^([A-Za-z_][A-Za-z0-9_]{0,60})(?:[ \t]*:[ \t]*[A-Za-z0-9_.]+)?[ \t]*=[ \t]*(?:[A-Za-z_][A-Za-z0-9_]*\.)?(FastAPI|Starlette|Litestar|Quart|Flask)\(`)
	// factoryPattern is a function that makes the app, by its name in Flask's
	// documentation.
	factoryPattern = regexp.MustCompile(`(?m)^def create_app\(`)
	// entryPattern is the server interface of a file, by its plain name.
	entryPattern  = regexp.MustCompile(`(?m)^(application|app)[ \t]*=`)
	modulePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	scriptPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}$`)
	staticRoot    = regexp.MustCompile(`(?m)^STATIC_ROOT[ \t]*=`)
)

// pythonFiles are the usual files that make an app, the likeliest first.
var (
	pythonFiles   = []string{"app.py", "main.py", "asgi.py", "wsgi.py", "server.py", "application.py", "api.py", "run.py", "index.py", "__init__.py"}
	pythonFolders = []string{"", "app", "api", "src", "src/app", "backend", "server"}
)

// pythonStart finds out how to start the app: by its Procfile, as a Django project, by
// the line that makes the app, or by its only script.
func (p *project) pythonStart(description pyproject) (pythonStart, error) {
	command, others, err := p.webCommand()
	if err != nil {
		return pythonStart{}, err
	}
	if command != "" {
		start := pythonStart{shell: command, reasons: []string{"The Procfile says how the app is started."}}
		if len(others) > 0 {
			start.reasons = append(start.reasons, fmt.Sprintf("Of the Procfile, only web is run, not %s.", printable.List(others)))
		}
		return start, nil
	}
	if p.has(managePy) {
		return p.startDjango()
	}
	start, found, err := p.startFramework()
	if found || err != nil {
		return start, err
	}
	return startScript(description)
}

// startFramework finds the line that makes the app.
func (p *project) startFramework() (start pythonStart, found bool, err error) {
	var files []string
	for _, folder := range pythonFolders {
		for _, name := range pythonFiles {
			files = append(files, path.Join(folder, name))
		}
	}
	if err := p.readAhead(files); err != nil {
		return pythonStart{}, false, err
	}
	for _, file := range files {
		text, err := p.read(file)
		if err != nil {
			return pythonStart{}, false, err
		}
		if entry, framework := findApp(text); entry != "" {
			start, err = p.serveWith(file, entry, framework)
			return start, true, err
		}
	}
	return pythonStart{}, false, nil
}

// findApp returns the name of the app in a file, and its framework.
func findApp(text string) (entry string, framework webFramework) {
	if found := appPattern.FindStringSubmatch(text); found != nil {
		at := slices.IndexFunc(webFrameworks, func(f webFramework) bool { return f.class == found[2] })
		return found[1], webFrameworks[at]
	}
	if factoryPattern.MatchString(text) && strings.Contains(text, "Flask(") {
		return "create_app()", webFramework{class: "Flask"}
	}
	return "", webFramework{}
}

// serveWith starts the app of a file with the right server for its framework. It is one
// process, so that all requests share the app's memory.
func (p *project) serveWith(file, entry string, framework webFramework) (pythonStart, error) {
	start := pythonStart{reasons: []string{fmt.Sprintf("The app is %s in %s, made with %s.", entry, file, framework.class)}}
	folder, module := moduleOf(file)
	name, requirement := "gunicorn", gunicorn
	line := "exec gunicorn --threads 8 --bind 0.0.0.0:${PORT:-8000}"
	if framework.async {
		name, requirement = "uvicorn", uvicorn
		line = "exec uvicorn --host 0.0.0.0 --port ${PORT:-8000}"
	}
	if folder != "" {
		line += map[bool]string{true: " --app-dir ", false: " --chdir "}[framework.async] + folder
	}
	start.shell = fmt.Sprintf("%s '%s:%s'", line, module, entry)
	listed, err := p.listsPackage(name)
	if err != nil || listed {
		return start, err
	}
	start.server = requirement
	return start, nil
}

// moduleOf returns the import name of a file of pythonFiles, and the folder for the
// import; empty means the top.
func moduleOf(file string) (folder, module string) {
	file, inSource := strings.CutPrefix(file, "src/")
	if inSource {
		folder = "src"
	}
	module = strings.ReplaceAll(strings.TrimSuffix(file, ".py"), "/", ".")
	return folder, strings.TrimSuffix(module, ".__init__")
}

// startDjango serves the one wsgi.py of a Django project.
func (p *project) startDjango() (pythonStart, error) {
	var found []string
	for _, entry := range p.tree.Entries() {
		if folder, file := path.Split(entry.Path); file == "wsgi.py" && folder != "" && p.has(entry.Path) {
			found = append(found, entry.Path)
		}
	}
	if len(found) != 1 {
		return pythonStart{}, &problem.Refusal{
			File: managePy, Reason: fmt.Sprintf("The project of Django has %d files called wsgi.py, so it is not clear which one serves it.", len(found)),
			Hint: "Add a Procfile with a web: line, such as web: gunicorn mysite.wsgi --bind 0.0.0.0:$PORT.",
		}
	}
	file := found[0]
	text, err := p.read(file)
	if err != nil {
		return pythonStart{}, err
	}
	entry := entryPattern.FindStringSubmatch(text)
	module := strings.ReplaceAll(strings.TrimSuffix(file, ".py"), "/", ".")
	if entry == nil || !modulePattern.MatchString(module) {
		return pythonStart{}, &problem.Refusal{
			File: file, Reason: "There is no application in it that a server could import.",
			Hint: "Add the line application = get_wsgi_application(), as Django writes it.",
		}
	}
	return p.serveDjango(file, module, entry[1])
}

func (p *project) serveDjango(file, module, entry string) (pythonStart, error) {
	start := pythonStart{
		shell:   fmt.Sprintf("exec gunicorn --threads 8 --bind 0.0.0.0:${PORT:-8000} '%s:%s'", module, entry),
		reasons: []string{fmt.Sprintf("There is a manage.py, so the project of Django in %s is served.", path.Dir(file))},
	}
	settings, err := p.read(path.Join(path.Dir(file), "settings.py"))
	if err != nil {
		return pythonStart{}, err
	}
	if staticRoot.MatchString(settings) && strings.Contains(settings, "whitenoise") {
		start.prepare = "python manage.py collectstatic --noinput"
		start.reasons = append(start.reasons, "The settings have a STATIC_ROOT, which WhiteNoise serves, so static files are collected.")
	}
	listed, err := p.listsPackage("gunicorn")
	if err == nil && !listed {
		start.server = gunicorn
	}
	return start, err
}

// startScript runs the only script that pyproject.toml declares.
func startScript(description pyproject) (pythonStart, error) {
	for name := range description.Project.Scripts {
		if len(description.Project.Scripts) > 1 || !scriptPattern.MatchString(name) {
			break
		}
		return pythonStart{
			words: []string{name}, installed: true,
			reasons: []string{fmt.Sprintf("The script %s of %s starts the app.", name, pyprojectFile)},
		}, nil
	}
	return pythonStart{}, &problem.Refusal{
		Reason: "It is a Python project, but nothing says how it is started: no Procfile, no manage.py, and no app of Flask, FastAPI, " +
			"Starlette, Litestar or Quart in files such as app.py or main.py.",
		Hint: "Add a Procfile with the command that starts it, such as web: python server.py; it listens on $PORT.",
	}
}
