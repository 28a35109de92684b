package dialect

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"berth/controller/dotenv"
	"berth/controller/printable"
	"berth/controller/problem"
)

// maxName bounds the bytes of a variable's name.
const maxName = 128

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	secretName   = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN|KEY|CREDENTIALS|SALT)$`)
)

// importDokploy reads the compose file and its template.toml.
func (f *form) importDokploy() {
	f.Dialect = Dokploy
	f.compose = readCompose(f.source.Compose)
	if f.compose.failed != nil {
		f.faults.refuse(f.source.ComposeName, f.compose.failedLine(), "The file cannot be read as YAML.", "Correct the file and make the archive again.")
	}
	root, mended := readTOML(f.source.TemplateName, f.source.Template, f.faults)
	for _, line := range slices.Compact(mended) {
		f.note("Line %d of the template has a backslash before a sign that TOML does not know: the backslash is kept as it is.", line)
	}
	if root == nil || f.compose.failed != nil {
		return
	}
	e := &expander{form: f, variables: f.entries(root.field("variables")), settings: make(map[string]*entry)}
	config := root.field("config")
	order := f.settings(e, config.field("env"))
	f.renamePort(e)
	f.makeVariables(e, order)
	f.makeRoutes(e, config.field("domains"))
	f.makeFiles(e, config.field("mounts"))
	f.leftOut(root, "", "variables", "config")
	f.leftOut(config, "config.", "env", "domains", "mounts")
	f.compose.dropNetwork("dokploy-network", f)
	f.compose.rewriteFiles(f)
	f.Compose = f.compose.plain(f)
}

// entries are the fields of a table with one text each.
func (f *form) entries(table *toml) map[string]*entry {
	found := make(map[string]*entry)
	if table == nil {
		return found
	}
	for _, name := range table.keys {
		value := table.fields[name]
		if value.fields != nil || value.isArray {
			f.note("The variable %s in line %d of the template is no text, and was left out.", printable.Name(name, 60), value.line)
			continue
		}
		found[name] = &entry{name: name, raw: value.text, line: value.line}
	}
	return found
}

// settings reads [config.env]: a table, or a list of NAME=value and of tables.
func (f *form) settings(e *expander, env *toml) (order []*entry) {
	switch {
	case env == nil:
	case env.fields != nil:
		order = f.settingsOfTable(order, env)
	case env.isArray:
		for _, item := range env.items {
			if item.fields != nil {
				order = f.settingsOfTable(order, item)
				continue
			}
			order = f.settingsOfLine(order, item)
		}
	default:
		f.faults.refuse(f.source.TemplateName, env.line, "env is neither a table nor a list.", `Write it as [config.env], or as a list of "NAME=value".`)
	}
	var kept []*entry
	for _, setting := range order {
		if old := e.settings[setting.name]; old != nil {
			f.note("The template sets %s in line %d and again in line %d: the last counts.", printable.Name(setting.name, 60), old.line, setting.line)
			*old = *setting
			continue
		}
		e.settings[setting.name] = setting
		kept = append(kept, setting)
	}
	if len(kept) > maxVariables {
		f.faults.refuse(f.source.TemplateName, kept[maxVariables].line, fmt.Sprintf("The template sets more than %d variables.", maxVariables), "Remove some.")
		return nil
	}
	return kept
}

func (f *form) settingsOfTable(order []*entry, table *toml) []*entry {
	for _, name := range table.keys {
		value := table.fields[name]
		if value.fields != nil || value.isArray {
			f.note("The variable %s in line %d of the template is no text, and was left out.", printable.Name(name, 60), value.line)
			continue
		}
		order = f.setting(order, name, unquoted(value.text), value.line)
	}
	return order
}

// unquoted takes quotes around a whole value away, as a .env file does.
func unquoted(text string) string {
	if last := len(text) - 1; last > 0 && text[0] == text[last] && (text[0] == '\'' || text[0] == '"') {
		return text[1:last]
	}
	return text
}

// settingsOfLine reads an item of a list as a line of a .env file.
func (f *form) settingsOfLine(order []*entry, item *toml) []*entry {
	if item.isArray {
		f.note("An item of env in line %d of the template is no text, and was left out.", item.line)
		return order
	}
	pairs, err := dotenv.Parse(item.text)
	if err != nil {
		reason, hint := "The item of env cannot be read.", `Write it as "NAME=value".`
		if refusal, ok := err.(*problem.Refusal); ok { //nolint:errorlint // only as Parse itself returns it
			reason, hint = "The item of env cannot be read: "+refusal.Reason, refusal.Hint
		}
		f.faults.refuse(f.source.TemplateName, item.line, reason, hint)
		return order
	}
	for _, pair := range pairs {
		order = f.setting(order, pair.Name, pair.Value, item.line)
	}
	return order
}

var portReference = regexp.MustCompile(`\$\$|\$\{?PORT\b`)

// renamePort gives a variable PORT another name, in the compose file too: PORT is what
// Berth tells an app, and no app can set it.
func (f *form) renamePort(e *expander) {
	setting, name := e.settings["PORT"], "APP_PORT"
	if setting == nil {
		return
	}
	if e.settings[name] != nil {
		name = "TEMPLATE_PORT"
	}
	setting.name = name
	f.note("PORT is what Berth tells an app, so the template's variable PORT is %s here.", name)
	text := portReference.ReplaceAllStringFunc(f.source.Compose, func(found string) string {
		return strings.Replace(found, "PORT", name, 1)
	})
	if text != f.source.Compose {
		f.compose = readCompose(text)
	}
}

func (f *form) setting(order []*entry, name, value string, line int) []*entry {
	if f.checkName(f.source.TemplateName, name, line) {
		order = append(order, &entry{name: name, raw: value, line: line})
	}
	return order
}

func (f *form) checkName(file, name string, line int) bool {
	switch {
	case !variableName.MatchString(name) || len(name) > maxName:
		f.faults.refuse(file, line, fmt.Sprintf("%.60q cannot be the name of a variable.", name), "Use letters, digits and underscores, and no digit at the beginning.")
	case strings.HasPrefix(strings.ToUpper(name), "BERTH_"):
		f.faults.refuse(file, line, fmt.Sprintf("The template sets %.60s, and names that begin with BERTH_ belong to Berth.", name), "Choose another name.")
	default:
		return true
	}
	return false
}

func (f *form) makeVariables(e *expander, order []*entry) {
	for _, setting := range order {
		text := e.entry(setting, place{line: setting.line})
		if whole, ok := text.Literal(); ok && strings.ContainsRune(whole, 0) {
			f.faults.refuse(f.source.TemplateName, setting.line, fmt.Sprintf("The value of %.60s holds a zero byte.", setting.name), "Remove it.")
			continue
		}
		secret := f.isSecret(text) || len(text) > 0 && secretName.MatchString(setting.name)
		f.Variables = append(f.Variables, Variable{Name: setting.name, Value: text, Secret: secret, Line: setting.line})
	}
}

// leftOut notes what a table has beside the known keys.
func (f *form) leftOut(table *toml, below string, known ...string) {
	if table == nil {
		return
	}
	for _, key := range table.keys {
		if slices.Contains(known, key) {
			continue
		}
		f.note("%s in line %d of the template has no meaning here, and was left out.", printable.Name(below+key, 60), table.fields[key].line)
	}
}

// itemsOf are the tables of a list, or the one table that stands in its place.
func (f *form) itemsOf(list *toml, name string, most int) []*toml {
	if list == nil {
		return nil
	}
	items := list.items
	if list.fields != nil {
		items = []*toml{list}
	}
	var tables []*toml
	for _, item := range items {
		if item.fields == nil {
			f.faults.refuse(f.source.TemplateName, item.line, "An item of "+name+" is no table.", "Write it as [[config."+name+"]] with its keys below.")
			continue
		}
		tables = append(tables, item)
	}
	if len(tables) > most {
		f.faults.refuse(f.source.TemplateName, tables[most].line, fmt.Sprintf("The template has more than %d %s.", most, name), "Remove some.")
		return nil
	}
	return tables
}

func (f *form) makeRoutes(e *expander, domains *toml) {
	for _, domain := range f.itemsOf(domains, "domains", maxRoutes) {
		f.leftOut(domain, "config.domains.", "serviceName", "port", "host", "path", "name")
		service := domain.field("serviceName")
		if service == nil || service.text == "" {
			f.note("The domain in line %d of the template names no service, and was left out.", domain.line)
			continue
		}
		if !f.compose.has(service.text) {
			f.faults.refuse(f.source.TemplateName, service.line, fmt.Sprintf("The domain leads to the service %.60q, which %s does not have.", service.text, f.source.ComposeName), "Name a service of the compose file.")
			continue
		}
		route := Route{Service: service.text, Path: "/", Line: domain.line}
		if port := domain.field("port"); port != nil {
			route.Port = f.port(port)
		}
		if path := domain.field("path"); path != nil && path.text != "" {
			route.Path = f.path(f.source.TemplateName, path.text, path.line)
		}
		route.Host = f.host(e, domain.field("host"), domain.line)
		f.addRoute(route)
	}
}

func (f *form) addRoute(route Route) {
	if len(f.Routes) == 0 {
		f.Main, f.Port = route.Service, route.Port
	}
	f.Routes = append(f.Routes, route)
}

func (f *form) port(value *toml) uint16 {
	port, err := strconv.ParseUint(strings.ReplaceAll(value.text, "_", ""), 10, 16)
	if err != nil || port == 0 {
		f.faults.refuse(f.source.TemplateName, value.line, fmt.Sprintf("%.40q is no port.", value.text), "Write a number from 1 to 65535.")
		return 0
	}
	return uint16(port)
}

// routePath is a path of a route as far as a template may name one.
var routePath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*/?$`)

func (f *form) path(file, text string, line int) string {
	if !routePath.MatchString(text) || len(text) > 200 || strings.Contains(text+"/", "/../") || strings.Contains(text+"/", "/./") {
		f.faults.refuse(file, line, fmt.Sprintf("%.60q is no path of a route.", text), "Write it such as /api, of letters, digits, hyphens, dots and slashes.")
		return "/"
	}
	if text = strings.TrimSuffix(text, "/"); text == "" {
		return "/"
	}
	return text
}

// hostPart is a part of a host; the whole host is checked when a person confirms it.
var hostPart = regexp.MustCompile(`^[A-Za-z0-9.-]{1,253}$`)

// host is the host that a domain suggests.
func (f *form) host(e *expander, value *toml, line int) Text {
	if value == nil || value.text == "" {
		return e.host(place{line: line})
	}
	text := e.expand(value.text, place{label: "domain", line: value.line, most: 1024})
	for _, part := range text {
		blank, open := f.Blank(part.Blank)
		if open && blank.Secret || !open && !hostPart.MatchString(part.Literal) {
			f.note("The host in line %d of the template is no host, and was left out.", value.line)
			return nil
		}
	}
	return text
}
