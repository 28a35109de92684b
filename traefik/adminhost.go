package traefik

import (
	_ "embed" // the template
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
)

// adminName is the file that keeps the admin app's host name free of apps.
const adminName = "admin.yml"

// adminPrefix begins the names of its routers. No app's name has a dot.
const adminPrefix = "admin."

// adminPriority is above every route and the beacon.
const adminPriority = 1_000_000

//go:embed adminhost.yml.tmpl
var adminText string

var adminTemplate = template.Must(template.New(adminName).Funcs(functions).Parse(adminText))

// AdminPriority is for the template.
func (StaticOptions) AdminPriority() int { return adminPriority }

// PublicEntryPoints are the entry points on which apps answer.
func (StaticOptions) PublicEntryPoints() []string {
	return []string{EntryPointWeb, EntryPointWebsecure, EntryPointWebProxied, EntryPointWebsecureProxied}
}

// writeAdminHost makes the proxy answer 404 to every request for the admin app's host
// name. Without a name it does nothing.
func (o StaticOptions) writeAdminHost(folder string) error {
	if o.AdminHost == "" {
		return nil
	}
	if parsed, err := ParseHost(string(o.AdminHost)); err != nil || parsed != o.AdminHost {
		return fmt.Errorf("admin host %.80q is not valid", o.AdminHost)
	}
	file, err := render(adminTemplate, o)
	if err != nil {
		return err
	}
	if _, err := replaceFile(folder, filepath.Join(folder, dynamicFolder, adminName), file, publicMode); err != nil {
		return fmt.Errorf("write route of the admin host: %w", err)
	}
	return nil
}

func isAdminRouter(name string) bool { return strings.HasPrefix(name, adminPrefix) }
