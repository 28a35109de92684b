package traefik

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The proxy reads users from files of lines of name:hash, so that its API shows a path in
// place of the hashes. Each content has a name of its own.
const (
	usersFolder     = "users"
	appUsers        = "apps"
	dashboardFolder = "dashboard"
)

// usersFiles are the contents of such files, by name.
type usersFiles map[string][]byte

// hideUsers returns the configuration with paths in place of users, and the files for
// these paths. A middleware's name already depends on its users.
func hideUsers(configuration *Configuration) (*Configuration, usersFiles) {
	files := make(usersFiles)
	if configuration.HTTP == nil {
		return configuration, files
	}
	middlewares := maps.Clone(configuration.HTTP.Middlewares)
	for name, middleware := range middlewares {
		if middleware == nil || middleware.BasicAuth == nil || len(middleware.BasicAuth.Users) == 0 {
			continue
		}
		hidden := *middleware.BasicAuth
		files[name] = linesOf(hidden.Users)
		hidden.Users, hidden.UsersFile = nil, filepath.Join(defaultProxyFolder, usersFolder, appUsers, name)
		changed := *middleware
		changed.BasicAuth = &hidden
		middlewares[name] = &changed
	}
	http := *configuration.HTTP
	http.Middlewares = middlewares
	whole := *configuration
	whole.HTTP = &http
	return &whole, files
}

func linesOf(users []string) []byte { return []byte(strings.Join(users, "\n") + "\n") }

// write writes the files into the part of folder, readable only by the proxy.
func (f usersFiles) write(folder, part string) error {
	if len(f) == 0 {
		return nil
	}
	place := filepath.Join(folder, usersFolder, part)
	if err := os.MkdirAll(place, 0o755); err != nil { //nolint:gosec // the files in it are private
		return fmt.Errorf("make folder of users: %w", err)
	}
	for name, content := range f {
		if _, err := replaceFile(folder, filepath.Join(place, name), content, privateMode); err != nil {
			return fmt.Errorf("write users of %s: %w", name, err)
		}
	}
	return nil
}

// sweep removes every file from the part of folder that neither f nor last holds: the
// proxy may still use the configuration before this one.
func (f usersFiles) sweep(folder, part string, last usersFiles) error {
	place := filepath.Join(folder, usersFolder, part)
	if _, err := os.Stat(place); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	used := slices.Concat(slices.Collect(maps.Keys(f)), slices.Collect(maps.Keys(last)))
	if err := removeOthers(place, func(name string) bool { return slices.Contains(used, name) }); err != nil {
		return fmt.Errorf("remove users: %w", err)
	}
	return nil
}

// users returns the files that the dashboard's routers name.
func (o StaticOptions) users() usersFiles {
	files := make(usersFiles)
	if o.APIPassword != "" {
		content := linesOf([]string{o.APIPassword.line()})
		files["api-"+hashOf(string(content))] = content
	}
	if len(o.Dashboard.Users) > 0 {
		var lines []string
		for _, user := range o.Dashboard.Users {
			lines = append(lines, user.String())
		}
		content := linesOf(lines)
		files["public-"+hashOf(string(content))] = content
	}
	return files
}

// UsersFile is the proxy's file of users for its API ("api"), or for its dashboard on a
// host of its own ("public"); empty if nobody may use it.
func (o StaticOptions) UsersFile(whose string) string {
	for name := range o.users() {
		if strings.HasPrefix(name, whose+"-") {
			return filepath.Join(o.ProxyFolder, usersFolder, dashboardFolder, name)
		}
	}
	return ""
}
