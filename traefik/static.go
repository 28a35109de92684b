package traefik

import (
	"bytes"
	_ "embed" // the two templates
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

// The proxy's entry points. All of them listen on the proxy's address on the stack's own
// network, and no app is on that network. Web and websecure are for everyone who comes
// through the gate, which passes what comes from a trusted proxy to the two proxied ones.
const (
	EntryPointWeb              = "web"
	EntryPointWebsecure        = "websecure"
	EntryPointWebProxied       = EntryPointWeb + proxiedSuffix
	EntryPointWebsecureProxied = EntryPointWebsecure + proxiedSuffix
	EntryPointDashboard        = "dashboard"
	EntryPointVerify           = "verify"
)

// The ports of the entry points inside the proxy's container.
const (
	WebPort              = 8000
	WebsecurePort        = 8443
	DashboardPort        = 8080
	VerifyPort           = 8081
	WebProxiedPort       = 8082
	WebsecureProxiedPort = 8444
)

// Names inside the proxy folder. A file ends in .yml only if the proxy must read it.
const (
	staticName    = "traefik.yml"
	dynamicFolder = "dynamic"
	stackName     = "stack.yml"
)

// requestsPrefix begins the names of the middlewares that count requests under way.
const requestsPrefix = "requests."

const defaultProxyFolder = "/proxy"

//go:embed static.yml.tmpl
var staticText string

//go:embed stack.yml.tmpl
var stackText string

var (
	staticTemplate = template.Must(template.New(staticName).Funcs(functions).Parse(staticText))
	stackTemplate  = template.Must(template.New(stackName).Funcs(functions).Parse(stackText))

	// functions quote like JSON, which YAML reads.
	functions = template.FuncMap{"quote": func(text string) (string, error) {
		quoted, err := json.Marshal(text)
		return string(quoted), err
	}}
)

// StaticOptions are the differences between stacks.
type StaticOptions struct {
	// ProxyAddress is the proxy's fixed address on the stack's own network.
	ProxyAddress netip.Addr
	// ProxyFolder is Berth's folder by its path in the proxy; empty means /proxy.
	ProxyFolder string
	// LogLevel is DEBUG, INFO, WARN or ERROR; empty means INFO.
	LogLevel string
	// ACME is the certificate authority; the zero value turns certificates off.
	ACME ACME
	// HTTP3 offers HTTP/3 too, on the same port over UDP.
	HTTP3 bool
	// HTTPSPort is the HTTPS port for browsers; 0 means 443.
	HTTPSPort uint16
	// AdminHost is the admin app's name, on which no app answers; empty reserves no name.
	AdminHost Host
	// APIPassword opens the API, beside Dashboard. Without a password nobody gets in, not
	// even Berth.
	APIPassword APIPassword
	// Gateway is this machine's address on the stack's own network. If it and the address
	// of the Dashboard's Controller are known, the API answers only those two.
	Gateway netip.Addr
	// Subnet is the stack's own network; the zero Prefix if it is unknown.
	Subnet netip.Prefix
	// Gate is the address of the gate, which passes connections on: the proxy trusts its
	// word for a client's address. With the zero Addr the proxy trusts nobody.
	Gate netip.Addr
	// Ports are the public ports beside those of HTTP and HTTPS; empty: none.
	Ports []Port
	// TrustedProxies stand in front of this proxy: their word for a client's address and
	// scheme is believed. Empty: nobody's.
	TrustedProxies []netip.Prefix
	// Dashboard says who can open the proxy's own pages. The zero value means only this
	// machine.
	Dashboard Dashboard
}

// Static returns the proxy's static configuration. The template gives the reason for each
// setting.
func Static(options StaticOptions) ([]byte, error) {
	return render(staticTemplate, options)
}

// WriteStatic writes the files that do not change while Berth runs into folder: the
// static configuration, the dashboard's route and the fallback certificate. It also makes
// the folder of the dynamic files. If it reports a change, a running proxy needs a
// restart.
func WriteStatic(folder string, options StaticOptions) (changed bool, err error) {
	static, err := Static(options)
	if err != nil {
		return false, err
	}
	stack, err := render(stackTemplate, options)
	if err != nil {
		return false, err
	}
	if err := ensureFallback(folder, time.Now()); err != nil {
		return false, err
	}
	dynamic := filepath.Join(folder, dynamicFolder)
	if err := os.MkdirAll(dynamic, 0o755); err != nil { //nolint:gosec // nothing in it is secret
		return false, fmt.Errorf("make folder of dynamic configuration: %w", err)
	}
	users := options.users()
	if err := users.write(folder, dashboardFolder); err != nil {
		return false, err
	}
	if _, err := replaceFile(folder, filepath.Join(dynamic, stackName), stack, publicMode); err != nil {
		return false, fmt.Errorf("write dashboard route: %w", err)
	}
	if err := users.sweep(folder, dashboardFolder, nil); err != nil {
		return false, err
	}
	if err := errors.Join(options.writeAdminHost(folder), options.ACME.write(folder)); err != nil {
		return false, err
	}
	changed, err = replaceFile(folder, filepath.Join(folder, staticName), static, publicMode)
	if err != nil {
		return false, fmt.Errorf("write static configuration: %w", err)
	}
	return changed, nil
}

func render(text *template.Template, options StaticOptions) ([]byte, error) {
	options, err := options.complete()
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", text.Name(), err)
	}
	var file bytes.Buffer
	if err := text.Execute(&file, options); err != nil {
		return nil, fmt.Errorf("render %s: %w", text.Name(), err)
	}
	return file.Bytes(), nil
}

func (o StaticOptions) complete() (StaticOptions, error) {
	if !o.ProxyAddress.IsValid() || o.ProxyAddress.IsUnspecified() || o.ProxyAddress.Zone() != "" {
		return o, errors.New("the proxy's address is missing, or means every address")
	}
	if o.ProxyFolder == "" {
		o.ProxyFolder = defaultProxyFolder
	}
	if !filepath.IsAbs(o.ProxyFolder) || strings.ContainsAny(o.ProxyFolder, "\"\\{}\n") {
		return o, fmt.Errorf("proxy folder %q is not a plain absolute path", o.ProxyFolder)
	}
	switch o.LogLevel {
	case "":
		o.LogLevel = "INFO"
	case "DEBUG", "INFO", "WARN", "ERROR":
	default:
		return o, fmt.Errorf("log level %q is none of DEBUG, INFO, WARN and ERROR", o.LogLevel)
	}
	if o.HTTPSPort == 0 {
		o.HTTPSPort = 443
	}
	return o, errors.Join(o.ACME.Check(), o.Dashboard.check(), checkPorts(o.Ports), checkTrusted(o.TrustedProxies))
}

// AddressOf is the address and port that an entry point for visitors listens on.
func (o StaticOptions) AddressOf(entryPoint string) (netip.AddrPort, error) {
	ports := map[string]uint16{
		EntryPointWeb: WebPort, EntryPointWebsecure: WebsecurePort,
		EntryPointWebProxied: WebProxiedPort, EntryPointWebsecureProxied: WebsecureProxiedPort,
	}
	port, known := ports[entryPoint]
	if !known {
		return netip.AddrPort{}, fmt.Errorf("entry point %s has no address here", entryPoint)
	}
	return netip.AddrPortFrom(o.ProxyAddress, port), nil
}

// EntryPoints are those of the public ports, by name, with the address that each listens on.
func (o StaticOptions) EntryPoints() map[string]string {
	addresses := make(map[string]string, len(o.Ports))
	for _, port := range o.Ports {
		addresses[port.entryPoint()] = o.ProxyAddress.String() + ":" + port.String()
	}
	return addresses
}

// DynamicFolder is the folder of the dynamic files in the proxy.
func (o StaticOptions) DynamicFolder() string { return filepath.Join(o.ProxyFolder, dynamicFolder) }

// FallbackFile is the file of the fallback certificate and its key in the proxy.
func (o StaticOptions) FallbackFile() string {
	return filepath.Join(o.ProxyFolder, tlsFolder, fallbackName)
}

// AuthorityFile is the proxy's file of trusted roots for the authority's server; empty
// means the system's.
func (o StaticOptions) AuthorityFile() string {
	if len(o.ACME.Trust) == 0 {
		return ""
	}
	return filepath.Join(o.ProxyFolder, tlsFolder, authorityName)
}

// DashboardAddress is the address and port of the proxy's API and dashboard.
func (o StaticOptions) DashboardAddress() netip.AddrPort {
	return netip.AddrPortFrom(o.ProxyAddress, DashboardPort)
}

// VerifyAddress is the address and port of the verify entry point.
func (o StaticOptions) VerifyAddress() netip.AddrPort {
	return netip.AddrPortFrom(o.ProxyAddress, VerifyPort)
}

// APIURL is the first argument of NewClient.
func (o StaticOptions) APIURL() string { return "http://" + o.DashboardAddress().String() }

// VerifyURL is the second argument of NewClient.
func (o StaticOptions) VerifyURL() string { return "http://" + o.VerifyAddress().String() }
