package dialect

import (
	"regexp"
	"strconv"
	"strings"
)

var magicName = regexp.MustCompile(`^SERVICE_(PASSWORD|PASSWORDWITHSYMBOLS|USER|BASE64|REALBASE64|HEX)(?:_(32|64|128))?_[A-Za-z0-9_]+$`)

// The variables of Coolify that are tokens, with what they say of the bearer.
var tokenRoles = map[string]string{
	"SERVICE_SUPABASEANON_KEY":    "anon",
	"SERVICE_SUPABASESERVICE_KEY": "service_role",
}

// tokenKey is the variable that signs Coolify's tokens.
const tokenKey = "SERVICE_PASSWORD_JWT"

// magicGenerator is the generator of a variable such as SERVICE_PASSWORD_64_DB.
func magicGenerator(name string) (Generator, bool) {
	match := magicName.FindStringSubmatch(name)
	if match == nil {
		return Generator{}, false
	}
	length := 32
	if match[2] != "" {
		length, _ = strconv.Atoi(match[2])
	}
	switch match[1] {
	case "PASSWORD", "BASE64": // BASE64 is any text of that many characters there
		return Generator{KindPassword, length}, true
	case "PASSWORDWITHSYMBOLS":
		return Generator{KindSymbols, length}, true
	case "REALBASE64":
		return Generator{KindBase64, length}, true
	case "HEX":
		return Generator{KindHex, 2 * length}, true
	default:
		return Generator{KindUserName, 16}, true
	}
}

// known reports whether Coolify would make the variable of that name. Others that begin
// with SERVICE_ are the file's own.
func (m *magic) known(name string) bool {
	if _, found := magicGenerator(name); found || tokenRoles[name] != "" {
		return true
	}
	if match := addressName.FindStringSubmatch(name); match != nil {
		of, _ := address(match)
		return m.sure || len(m.declared[of]) > 0 || m.serviceNamed(of) != ""
	}
	return m.serviceNamed(strings.TrimPrefix(name, "SERVICE_NAME_")) != "" && strings.HasPrefix(name, "SERVICE_NAME_")
}

// variable is the variable of the app that stands for one of Coolify's.
func (m *magic) variable(name string, line int) Variable {
	value := m.value(name)
	return Variable{Name: name, Value: value, Secret: m.form.isSecret(value), Line: line}
}

func (m *magic) value(name string) Text {
	if generator, found := magicGenerator(name); found {
		return m.form.shared(Blank{Name: name, Generator: generator})
	}
	if role := tokenRoles[name]; role != "" {
		key := m.form.shared(Blank{Name: tokenKey, Generator: Generator{KindPassword, 32}})
		return m.form.shared(Blank{
			Name:      name,
			Generator: Generator{Kind: KindToken},
			Key:       key,
			Payload:   literal(`{"iss":"supabase","role":"` + role + `"}`),
		})
	}
	if match := addressName.FindStringSubmatch(name); match != nil {
		return m.address(name, match)
	}
	return literal(m.serviceNamed(strings.TrimPrefix(name, "SERVICE_NAME_")))
}

// address is the host of a route, or its whole address, with the path where one route
// alone has the name.
func (m *magic) address(name string, match []string) Text {
	of, _ := address(match)
	text := m.host(of)
	if strings.HasPrefix(name, "SERVICE_URL_") {
		scheme := m.form.shared(Blank{Name: "scheme", Generator: Generator{Kind: KindScheme}})
		text = scheme.with(literal("://")).with(text)
	}
	if routes := m.declared[of]; len(routes) == 1 {
		if path := m.form.Routes[routes[0]].Path; path != "/" {
			text = text.with(literal(path))
		}
	}
	return text
}

// routesByName adds a route for an address that the file uses and declares nowhere, where
// it has the name of a service.
func (m *magic) routesByName() {
	for i, name := range m.names {
		match := addressName.FindStringSubmatch(name)
		if match == nil {
			continue
		}
		of, port := address(match)
		service := m.serviceNamed(of)
		if len(m.declared[of]) > 0 || service == "" || len(m.form.Routes) >= maxRoutes {
			continue
		}
		m.declared[of] = []int{len(m.form.Routes)}
		m.form.addRoute(Route{Service: service, Port: port, Path: "/", Host: m.host(of), Line: m.lines[i]})
	}
}

// serviceNamed is the service whose name Coolify writes so: API_GATEWAY for api-gateway.
func (m *magic) serviceNamed(of string) string {
	of = strings.ReplaceAll(strings.ToUpper(of), "_", "")
	for _, service := range m.form.compose.services() {
		if strings.ToUpper(strings.NewReplacer("-", "", "_", "", ".", "").Replace(service.name)) == of {
			return service.name
		}
	}
	return ""
}
