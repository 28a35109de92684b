package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"berth/controller/printable"
	"berth/controller/problem"
)

const (
	requirementsFile = "requirements.txt"
	pyprojectFile    = "pyproject.toml"
	pipfileLock      = "Pipfile.lock"
	uvLock           = "uv.lock"
	runtimeFile      = "runtime.txt"
	pythonVersion    = ".python-version"
	managePy         = "manage.py"
)

// The servers that Berth adds if a project has none.
const (
	gunicorn = "gunicorn==23.0.0"
	uvicorn  = "uvicorn==0.38.0"
)

// pyproject holds the fields of a pyproject.toml that decide how the app is built and
// started.
type pyproject struct {
	Project struct {
		RequiresPython string            `toml:"requires-python"`
		Dependencies   []string          `toml:"dependencies"`
		Scripts        map[string]string `toml:"scripts"`
	} `toml:"project"`
	BuildSystem struct {
		Backend string `toml:"build-backend"`
	} `toml:"build-system"`
	Tool struct {
		Poetry struct {
			Dependencies map[string]any `toml:"dependencies"`
		} `toml:"poetry"`
	} `toml:"tool"`
}

// requirementPattern is the beginning of a requirement. An option begins with a hyphen.
var requirementPattern = regexp.MustCompile(`^[A-Za-z0-9]`)

// requirementsElsewhere is a line of requirements that reads other files.
var requirementsElsewhere = regexp.MustCompile(`(?m)^\s*(?:-|\.|[^#\n]*@\s*file:)`)

func knowsPython(p *project) bool {
	return p.first(requirementsFile, pyprojectFile, "Pipfile", pipfileLock, uvLock, runtimeFile, managePy) != ""
}

// writePython installs the packages into a virtual environment, and runs the app with a
// production server.
func writePython(p *project, _ Options) (*recipe, error) {
	description, err := p.pyproject()
	if err != nil {
		return nil, err
	}
	r := newRecipe("Python")
	source, version, err := p.pythonVersion(description)
	if err != nil {
		return nil, err
	}
	line, reason := python.choose(source, version)
	r.because("%s", reason)
	start, err := p.pythonStart(description)
	if err != nil {
		return nil, err
	}
	base := "python:" + line + "-slim"
	if err := p.buildPython(r, base, description, start); err != nil {
		return nil, err
	}
	p.runPython(r, base, start)
	return r, nil
}

func (p *project) pyproject() (pyproject, error) {
	var description pyproject
	text, err := p.read(pyprojectFile)
	if err != nil {
		return pyproject{}, err
	}
	err = toml.Unmarshal([]byte(text), &description)
	if err == nil {
		return description, nil
	}
	refusal := &problem.Refusal{File: pyprojectFile, Reason: "The file cannot be read as TOML.", Hint: "Correct the file and make the archive again."}
	if decoding, ok := errors.AsType[*toml.DecodeError](err); ok {
		refusal.Line, _ = decoding.Position()
	}
	return pyproject{}, refusal
}

// pythonVersion returns the file and the version of Python that it asks for, the plainest
// first.
func (p *project) pythonVersion(description pyproject) (source, version string, err error) {
	for _, file := range []string{pythonVersion, runtimeFile} {
		text, err := p.read(file)
		if err != nil {
			return "", "", err
		}
		if first, _, _ := strings.Cut(strings.TrimSpace(text), "\n"); first != "" {
			return file, first, nil
		}
	}
	if description.Project.RequiresPython != "" {
		return pyprojectFile, description.Project.RequiresPython, nil
	}
	if asked, ok := description.Tool.Poetry.Dependencies["python"].(string); ok {
		return pyprojectFile, asked, nil
	}
	return p.pipfileVersion()
}

func (p *project) pipfileVersion() (source, version string, err error) {
	text, err := p.readLock(pipfileLock)
	if err != nil || text == "" {
		return pyprojectFile, "", err
	}
	var lock struct {
		Meta struct {
			Requires map[string]string `json:"requires"`
		} `json:"_meta"`
	}
	if err := json.Unmarshal([]byte(text), &lock); err != nil {
		return "", "", refuseJSON(pipfileLock, text, err)
	}
	return pipfileLock, lock.Meta.Requires["python_version"], nil
}

// buildPython is the stage that makes /venv. The environment has no pip: nothing is
// installed in the running app.
func (p *project) buildPython(r *recipe, base string, description pyproject, start pythonStart) error {
	r.add("FROM", base+" AS build")
	r.add("ENV", "PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore")
	r.add("WORKDIR", "/app")
	r.add("RUN", "python -m venv --without-pip /venv")
	if err := p.installPython(r, description, start); err != nil {
		return err
	}
	if start.server != "" {
		r.because("No requirement names a server for it, so %s is added.", start.server)
		r.add("RUN", pipInstall+start.server)
	}
	return nil
}

const pipInstall = "--mount=type=cache,target=/root/.cache/pip pip --python /venv/bin/python install "

func (p *project) installPython(r *recipe, description pyproject, start pythonStart) error {
	switch {
	case p.has(uvLock) && p.has(pyprojectFile):
		installUV(r, start)
	case p.has(requirementsFile) && !start.installed:
		return p.installRequirements(r)
	case p.has("poetry.lock") || len(description.Tool.Poetry.Dependencies) > 0:
		p.installPoetry(r, start)
	case p.has(pipfileLock):
		r.because("The packages are installed from %s.", pipfileLock)
		r.add("RUN", "--mount=type=cache,target=/root/.cache/pip pip install 'pipenv>=2025,<2027'")
		r.add("COPY", p.present("./", "Pipfile", pipfileLock))
		r.add("RUN", "pipenv requirements > /tmp/requirements.txt && pip --python /venv/bin/python install --no-cache-dir -r /tmp/requirements.txt")
	case start.installed:
		r.because("The project itself is installed, as %s says.", pyprojectFile)
		r.add("COPY", ". .")
		r.add("RUN", pipInstall+".")
	case len(description.Project.Dependencies) > 0:
		return installDependencies(r, description.Project.Dependencies)
	case p.has("Pipfile"):
		return &problem.Refusal{File: "Pipfile", Reason: "There is no Pipfile.lock that says which versions to install.", Hint: "Run pipenv lock and make the archive again."}
	}
	return nil
}

func (p *project) installRequirements(r *recipe) error {
	text, err := p.read(requirementsFile)
	if err != nil {
		return err
	}
	r.because("The packages are installed from %s.", requirementsFile)
	if requirementsElsewhere.MatchString(text) {
		r.add("COPY", ". .")
	} else {
		r.add("COPY", requirementsFile+" ./")
	}
	r.add("RUN", pipInstall+"-r "+requirementsFile)
	return nil
}

// installDependencies installs the packages that pyproject.toml lists, without the
// project, which may not be a package.
func installDependencies(r *recipe, dependencies []string) error {
	for _, dependency := range dependencies {
		if !requirementPattern.MatchString(dependency) || len(dependency) > lineBytes || !printable.Is(dependency) {
			return &problem.Refusal{
				File: pyprojectFile, Reason: fmt.Sprintf("The dependency %.60q cannot be read.", dependency),
				Hint: `Write it as a name and a version, such as "flask>=3".`,
			}
		}
	}
	r.because("The packages are installed as %s lists them, without a lock file.", pyprojectFile)
	path := r.extra(requirementsFile, strings.Join(dependencies, "\n")+"\n")
	r.add("COPY", path+" /tmp/")
	r.add("RUN", pipInstall+"-r /tmp/"+requirementsFile)
	return nil
}

func installUV(r *recipe, start pythonStart) {
	r.because("There is a uv.lock, so uv installs the packages.")
	r.add("COPY", "--from=ghcr.io/astral-sh/uv:0.9 /uv /usr/local/bin/uv")
	r.add("ENV", "UV_PROJECT_ENVIRONMENT=/venv UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy")
	const sync = "--mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev "
	if start.installed {
		r.add("COPY", ". .")
		r.add("RUN", sync+"--no-editable")
		return
	}
	r.add("COPY", "pyproject.toml uv.lock ./")
	r.add("RUN", sync+"--no-install-project")
}

func (p *project) installPoetry(r *recipe, start pythonStart) {
	r.because("Poetry installs the packages.")
	r.add("RUN", "--mount=type=cache,target=/root/.cache/pip pip install 'poetry>=2,<3'")
	r.add("ENV", "VIRTUAL_ENV=/venv PATH=/venv/bin:$PATH POETRY_VIRTUALENVS_CREATE=false")
	const install = "--mount=type=cache,target=/root/.cache/pypoetry poetry install --no-interaction --only main"
	if start.installed {
		r.add("COPY", ". .")
		r.add("RUN", install)
		return
	}
	r.add("COPY", p.present("./", pyprojectFile, "poetry.lock"))
	r.add("RUN", install+" --no-root")
}

// runPython is the image that runs. Only the proxy reaches it, so the app can trust the
// proxy's headers on a request's origin.
func (p *project) runPython(r *recipe, base string, start pythonStart) {
	r.add("FROM", base)
	r.add("ENV", "PATH=/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FORWARDED_ALLOW_IPS=*")
	r.add("WORKDIR", "/app")
	r.add("COPY", "--from=build /venv /venv")
	r.add("COPY", ". .")
	if start.prepare != "" {
		r.add("RUN", start.prepare)
	}
	r.unprivileged()
	for _, reason := range start.reasons {
		r.because("%s", reason)
	}
	if start.shell != "" {
		r.shell(start.shell)
		return
	}
	r.words("CMD", start.words...)
}

// listsPackage reports whether a file with the project's packages names one.
func (p *project) listsPackage(name string) (bool, error) {
	pattern := regexp.MustCompile(`(?im)(?:^|["'\s])` + regexp.QuoteMeta(name) + `(?:$|["'\s\[=<>~!;,])`)
	for _, file := range []string{requirementsFile, pyprojectFile, "Pipfile"} {
		text, err := p.read(file)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(strings.Split(text, "\n"), pattern.MatchString) {
			return true, nil
		}
	}
	return false, nil
}
