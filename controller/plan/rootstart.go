package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// rootStarters are images beside those of databases that start as root, prepare their
// files, and continue as a user of their own.
var rootStarters = []string{
	"nginx", "httpd", "wordpress", "nextcloud", "drupal", "joomla", "mediawiki", "matomo", "ghost", "redmine", "phpmyadmin",
	"phpmyadmin/phpmyadmin", "gitea/gitea", "gogs/gogs", "rabbitmq", "openresty/openresty", "jc21/nginx-proxy-manager",
	"yobasystems/alpine-mariadb", "bitwarden/self-host", "pihole/pihole",
}

// rootStartOwners publish nothing but images of that kind: all of them start with s6.
var rootStartOwners = []string{"linuxserver/", "hotio/", "imagegenius/"}

// entryPoints are programs that begin such images: of s6, and of web servers that keep a
// first process of root.
var entryPoints = []string{
	"init", "s6-svscan", "gosu", "su-exec", "setpriv", "chpst", "my_init", "runsvdir", "runit", "supervisord",
	"apache2-foreground", "httpd-foreground", "apachectl", "apache2ctl", "docker-entrypoint.sh", "docker-entrypoint",
}

// runtimes are programs of images whose entry point is called the same, and drops nothing.
var runtimes = []string{"node", "npm", "npx", "yarn", "pnpm", "bun", "python", "python3", "php", "ruby", "java", "deno", "composer"}

// Signs are what is known of how an image starts, from its Dockerfile or from itself.
type Signs struct {
	Image      string // its name, or the name of what it is built on; empty where none is known
	User       string // as the image names it; empty is root, or that nothing is said
	Entrypoint []string
	Command    []string
	StepDown   string // a program that drops root, which the image is built with
}

// StartsAsRoot returns the sign that an image starts as root and drops root later to a user of
// its own, as the end of a sentence that begins with the service; empty where there is
// none.
func (s Signs) StartsAsRoot() string {
	if s.User != "" && !IsRoot(s.User) {
		return ""
	}
	if name, known := rootStarter(s.Image); known {
		return fmt.Sprintf("is made of the image %s", name)
	}
	if s.StepDown != "" {
		return fmt.Sprintf("is built with %s", s.StepDown)
	}
	program := first(s.Entrypoint)
	if program == "" {
		program = first(s.Command)
	}
	switch {
	case !slices.Contains(entryPoints, program) && !strings.HasPrefix(program, "s6-"):
		return ""
	case strings.HasPrefix(program, "docker-entrypoint") && (slices.Contains(runtimes, first(s.Command)) || first(s.Command) == ""):
		return ""
	default:
		return fmt.Sprintf("begins with %s", program)
	}
}

// rootStarter returns the plain name of a known image that starts as root.
func rootStarter(image string) (name string, known bool) {
	if name, known = DatabaseImage(image); known {
		return name, true
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", false
	}
	name = strings.TrimPrefix(reference.Path(named), "library/")
	if slices.Contains(rootStarters, name) || slices.ContainsFunc(rootStartOwners, func(owner string) bool { return strings.HasPrefix(name, owner) }) {
		return name, true
	}
	if tagged, ok := named.(reference.Tagged); ok && name == "php" && (strings.Contains(tagged.Tag(), "apache") || strings.Contains(tagged.Tag(), "fpm")) {
		return name + ":" + tagged.Tag(), true
	}
	return "", false
}

// first is the plain name of the program of a command.
func first(command []string) string {
	if len(command) == 0 {
		return ""
	}
	return path.Base(command[0])
}

// StartsAsRoot returns the sign that the service starts as root and drops root later, by what
// is known before its image is there; empty where there is none.
func (s Service) StartsAsRoot() string { return s.signs().StartsAsRoot() }

func (s Service) signs() Signs {
	start := s.Build.Start
	signs := Signs{Image: start.From, User: start.User, Entrypoint: start.Entrypoint, Command: start.Command, StepDown: start.StepDown}
	if s.Image != "" {
		signs = Signs{Image: s.Image}
	}
	return s.override(signs)
}

// SignsOf is what is known of the service once its image, with its own signs, is there.
func (s Service) SignsOf(image Signs) Signs {
	known := s.signs()
	image.Image, image.StepDown = known.Image, known.StepDown
	return s.override(image)
}

// override replaces what the service itself says. A service that begins with another
// program than its image is not known by its image's name.
func (s Service) override(signs Signs) Signs {
	if s.User != "" {
		signs.User = s.User
	}
	if s.Entrypoint != nil {
		signs.Entrypoint, signs.Command, signs.Image = s.Entrypoint, nil, ""
	}
	if s.Command != nil {
		signs.Command = s.Command
	}
	return signs
}
