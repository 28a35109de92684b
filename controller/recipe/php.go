package recipe

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"berth/controller/problem"
)

const (
	composerJSON = "composer.json"
	indexPHP     = "index.php"
)

// phpRoots are the folders that frameworks serve; the first one with an index.php counts.
var phpRoots = []string{"public", "web", "webroot", "htdocs", "www"}

// phpBuiltIn are the extensions that every PHP image has.
var phpBuiltIn = []string{
	"ctype", "curl", "date", "dom", "fileinfo", "filter", "ftp", "hash", "iconv", "json", "libxml", "mbstring", "mysqlnd", "openssl",
	"pcre", "pdo", "pdo_sqlite", "phar", "posix", "random", "readline", "reflection", "session", "simplexml", "sodium", "spl",
	"sqlite3", "standard", "tokenizer", "xml", "xmlreader", "xmlwriter", "zlib",
}

var extensionPattern = regexp.MustCompile(`^ext-([a-z][a-z0-9_]{0,30})$`)

// composerFile holds the fields of a composer.json that decide how the app is built.
type composerFile struct {
	Require map[string]string `json:"require"`
	Config  struct {
		Platform map[string]any `json:"platform"`
	} `json:"config"`
}

func knowsComposer(p *project) bool { return p.has(composerJSON) }

func knowsPHP(p *project) bool { return p.has(indexPHP) || p.has("public/"+indexPHP) }

// writePHP serves the project with FrankenPHP, which is one process, listens on any port
// and needs no root.
func writePHP(p *project, _ Options) (*recipe, error) {
	description, err := p.composerFile()
	if err != nil {
		return nil, err
	}
	r := newRecipe("PHP")
	line, reason := php.choose(composerJSON, description.version())
	r.because("%s", reason)
	r.add("FROM", "dunglas/frankenphp:1-php"+line+" AS base")
	extensions, err := description.extensions()
	if err != nil {
		return nil, err
	}
	if len(extensions) > 0 {
		r.because("The extensions %s are installed, as composer.json says.", strings.Join(extensions, ", "))
		r.add("RUN", "install-php-extensions "+strings.Join(extensions, " "))
	}
	p.buildPHP(r)
	return r, p.runPHP(r, description)
}

func (p *project) composerFile() (composerFile, error) {
	var description composerFile
	text, err := p.read(composerJSON)
	if err != nil || text == "" {
		return composerFile{}, err
	}
	if err := json.Unmarshal([]byte(text), &description); err != nil {
		return composerFile{}, refuseJSON(composerJSON, text, err)
	}
	return description, nil
}

// version is the PHP of the project: one that it names, or a range.
func (c composerFile) version() string {
	if text, ok := c.Config.Platform["php"].(string); ok {
		return text
	}
	return c.Require["php"]
}

func (c composerFile) extensions() ([]string, error) {
	var found []string
	for name := range c.Require {
		if !strings.HasPrefix(name, "ext-") {
			continue
		}
		matched := extensionPattern.FindStringSubmatch(name)
		if matched == nil {
			return nil, &problem.Refusal{
				File: composerJSON, Reason: fmt.Sprintf("%.60q is not the name of an extension.", name),
				Hint: "Write it in lower case, such as ext-pdo_mysql.",
			}
		}
		if !slices.Contains(phpBuiltIn, matched[1]) {
			found = append(found, matched[1])
		}
	}
	slices.Sort(found)
	return found, nil
}

// buildPHP is the stage that installs the packages.
func (p *project) buildPHP(r *recipe) {
	if !p.has(composerJSON) {
		return
	}
	r.add("FROM", "base AS build")
	r.add("RUN", "install-php-extensions zip")
	r.add("COPY", "--from=composer:2 /usr/bin/composer /usr/local/bin/composer")
	r.add("ENV", "COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_CACHE_DIR=/composer")
	r.add("WORKDIR", "/app")
	r.add("COPY", ". .")
	if p.has("composer.lock") {
		r.because("There is a composer.lock, so exactly its versions are installed.")
	} else {
		r.because("There is no composer.lock, so the versions of packages may differ from build to build.")
	}
	r.add("RUN", "--mount=type=cache,target=/composer composer install --no-dev --no-interaction --prefer-dist --optimize-autoloader")
}

func (p *project) runPHP(r *recipe, description composerFile) error {
	r.add("FROM", "base")
	r.add("ENV", "HOME=/tmp XDG_CONFIG_HOME=/tmp XDG_DATA_HOME=/tmp")
	r.add("WORKDIR", "/app")
	if p.has(composerJSON) {
		r.add("COPY", "--from=build /app /app")
	} else {
		r.add("COPY", ". .")
	}
	// It would be public if the app serves its top folder.
	r.add("RUN", "rm -rf "+ownFolder)
	if description.Require["laravel/framework"] != "" {
		r.because("Laravel writes below storage and bootstrap/cache, which cannot be written to: send sessions, cache and logs elsewhere, mount a volume, or waive the read-only root.")
	}
	r.unprivileged()
	// The image's own check uses an address that only the image's own configuration
	// opens.
	r.add("HEALTHCHECK", "NONE")
	done, err := p.startByProcfile(r)
	if done || err != nil {
		return err
	}
	root, err := p.phpRoot()
	if err != nil {
		return err
	}
	r.because("FrankenPHP serves %s.", shownFolder(root))
	r.shell("exec frankenphp php-server --listen :${PORT:-8000} --root " + root)
	return nil
}

// phpRoot returns the folder to serve.
func (p *project) phpRoot() (string, error) {
	for _, folder := range phpRoots {
		if p.has(folder + "/" + indexPHP) {
			return folder, nil
		}
	}
	if p.has(indexPHP) {
		return ".", nil
	}
	return "", &problem.Refusal{
		File: composerJSON, Reason: "It is a PHP project, but there is no index.php to begin with, at the top or in public.",
		Hint: "Add a public/index.php, or a Procfile with a web: line that starts a server on $PORT.",
	}
}
