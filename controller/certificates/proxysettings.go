package certificates

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"berth/controller/dotenv"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/traefik"
)

// proxySettingsKey is the ledger's key of the proxy's settings.
const proxySettingsKey = "proxy"

// dnsSecretsPlace is the place that the provider's credentials are sealed for.
const dnsSecretsPlace = "credentials of the DNS provider"

// dashboardCost is lower than the cost of people's passwords: the page asks several times
// a second, and the proxy checks the password each time.
const dashboardCost = 10

// Authority is the issuer of certificates.
type Authority string

// The authorities.
const (
	AuthorityNone        Authority = "none"
	AuthorityLetsEncrypt Authority = "letsencrypt"
	AuthorityOther       Authority = "other" // by the URL of its directory
)

// DashboardMode says who can open the proxy's own pages.
type DashboardMode string

// The modes.
const (
	DashboardLocal DashboardMode = "local" // this machine, on the dashboard's port
	DashboardOff   DashboardMode = "off"
	DashboardHost  DashboardMode = "host" // everybody with the password, on a host of its own
)

// ProxySettings are the operator's settings of the whole proxy.
type ProxySettings struct {
	Authority Authority         `json:"authority"`
	Email     string            `json:"email"`
	DryRun    bool              `json:"dry_run"` // Let's Encrypt's staging
	Directory string            `json:"directory,omitempty"`
	Trust     string            `json:"trust,omitempty"` // PEM
	Challenge traefik.Challenge `json:"challenge"`       // for hosts without a choice of their own

	DNSProvider string `json:"dns_provider,omitempty"`
	DNSSealed   []byte `json:"dns_sealed,omitempty"` // JSON of the variables

	ForceHTTPS bool `json:"force_https"`
	HTTP3      bool `json:"http3"`

	// TrustedProxies stand in front of the proxy, beside those of the environment.
	TrustedProxies []netip.Prefix `json:"trusted_proxies,omitempty"`

	Dashboard     DashboardMode `json:"dashboard"`
	DashboardHost traefik.Host  `json:"dashboard_host,omitempty"`
	DashboardUser string        `json:"dashboard_user,omitempty"`
	DashboardHash string        `json:"dashboard_hash,omitempty"`
}

// DefaultProxySettings returns the settings of the environment. An email means Let's
// Encrypt, first as a dry run; a directory means another authority.
func DefaultProxySettings(email, directory string, forceHTTPS bool) ProxySettings {
	settings := ProxySettings{
		Authority: AuthorityNone, Email: email, DryRun: true, Directory: directory,
		Challenge: traefik.ChallengeHTTP, ForceHTTPS: forceHTTPS, Dashboard: DashboardLocal,
	}
	switch {
	case email == "":
	case directory != "":
		settings.Authority = AuthorityOther
	default:
		settings.Authority = AuthorityLetsEncrypt
	}
	return settings
}

// ProxyForm is ProxySettings as a person types them. Empty credentials and an empty
// password keep the old ones.
type ProxyForm struct {
	Authority, Email, Directory, Trust, Challenge string
	DryRun, ForceHTTPS, HTTP3                     bool
	DNSProvider, DNSCredentials                   string
	Dashboard, DashboardHost, DashboardUser       string
	DashboardPassword                             secret.Text
	TrustedProxies                                string // addresses and ranges, separated by commas, spaces or line ends
}

// The fields of the form, as problems name them.
const (
	FieldAuthority      = "authority"
	FieldEmail          = "email"
	FieldDirectory      = "directory"
	FieldTrust          = "trust"
	FieldChallenge      = "challenge"
	FieldDNSProvider    = "dns_provider"
	FieldDNSCredentials = "dns_credentials"
	FieldDashboard      = "dashboard"
	FieldDashboardHost  = "dashboard_host"
	FieldDashboardUser  = "dashboard_user"
	FieldDashboardPass  = "dashboard_password"
)

// Form returns the settings without secrets.
func (s ProxySettings) Form() ProxyForm {
	return ProxyForm{
		Authority: string(s.Authority), Email: s.Email, Directory: s.Directory, Trust: s.Trust, Challenge: string(s.Challenge),
		DryRun: s.DryRun, ForceHTTPS: s.ForceHTTPS, HTTP3: s.HTTP3, DNSProvider: s.DNSProvider,
		Dashboard: string(s.Dashboard), DashboardHost: string(s.DashboardHost), DashboardUser: s.DashboardUser,
		TrustedProxies: trustedText(s.TrustedProxies),
	}
}

// parse checks the form against the old settings.
func (f ProxyForm) parse(was ProxySettings, key secret.Key, near Neighbours) (ProxySettings, error) {
	settings := ProxySettings{
		Authority: Authority(f.Authority), Email: strings.TrimSpace(f.Email), DryRun: f.DryRun, Challenge: traefik.Challenge(f.Challenge),
		ForceHTTPS: f.ForceHTTPS, HTTP3: f.HTTP3, Dashboard: DashboardMode(f.Dashboard),
		Directory: strings.TrimSpace(f.Directory), Trust: strings.TrimSpace(f.Trust),
	}
	var problems problem.Problems
	for _, check := range []func() error{
		settings.checkAuthority, settings.checkDirectory, settings.checkTrust,
		func() error { return f.parseDNS(&settings, was, key) },
		func() error { return f.parseDashboard(&settings, was) },
		func() error { return f.parseTrusted(&settings, near) },
	} {
		problems = problems.With(check())
	}
	if len(problems) > 0 {
		return ProxySettings{}, problems
	}
	return settings, nil
}

func refuseField(field, message, hint string) error {
	return problem.Invalid(message, hint).At(field)
}

func (s ProxySettings) checkAuthority() error {
	switch s.Authority {
	case AuthorityNone, AuthorityLetsEncrypt, AuthorityOther:
	default:
		return refuseField(FieldAuthority, "There is no such authority.", "Choose one of the list.")
	}
	if s.Challenge != traefik.ChallengeHTTP && s.Challenge != traefik.ChallengeTLS {
		return refuseField(FieldChallenge, "There is no such challenge type.", "Choose one of the list.")
	}
	if s.Email == "" && s.Authority == AuthorityNone {
		return nil
	}
	address, err := mail.ParseAddress(s.Email)
	if err != nil || address.Address != s.Email || (traefik.ACME{Directory: traefik.LetsEncrypt, Email: s.Email}).Check() != nil {
		return refuseField(FieldEmail, fmt.Sprintf("%.80q is not a mail address.", s.Email), "The authority keeps the account under it. Write one such as me@example.com.")
	}
	return nil
}

func (s ProxySettings) checkDirectory() error {
	if s.Authority != AuthorityOther && s.Directory == "" {
		return nil
	}
	directory, err := url.Parse(s.Directory)
	if err != nil || directory.Scheme != "https" || directory.Host == "" || directory.User != nil || len(s.Directory) > 500 {
		return refuseField(FieldDirectory, fmt.Sprintf("%.80q is not the address of a directory.", s.Directory), "Write an https URL such as https://ca.example.com/acme/directory.")
	}
	return nil
}

func (s ProxySettings) checkTrust() error {
	if s.Trust == "" {
		return nil
	}
	if block, _ := pem.Decode([]byte(s.Trust)); len(s.Trust) > 64<<10 || block == nil || bytes.Contains([]byte(s.Trust), []byte("PRIVATE KEY")) ||
		!x509.NewCertPool().AppendCertsFromPEM([]byte(s.Trust)) {
		return refuseField(FieldTrust, "This is no certificate in PEM.", "Paste the authority's root certificate, which begins with -----BEGIN CERTIFICATE-----, and no key.")
	}
	return nil
}

// parseDNS reads the credentials of the provider, or keeps the old ones.
func (f ProxyForm) parseDNS(s *ProxySettings, was ProxySettings, key secret.Key) error {
	if f.DNSProvider == "" {
		return nil
	}
	provider, known := findDNSProvider(f.DNSProvider)
	if !known {
		return refuseField(FieldDNSProvider, "There is no such provider.", "Choose one of the list.")
	}
	s.DNSProvider = provider.Name
	if strings.TrimSpace(f.DNSCredentials) == "" {
		if was.DNSProvider != provider.Name || was.DNSSealed == nil {
			return refuseField(FieldDNSCredentials, "The credentials of "+provider.Title+" are missing.", "Write a line each: "+strings.Join(provider.Variables, "=…, ")+"=….")
		}
		s.DNSSealed = was.DNSSealed
		return nil
	}
	values, err := parseCredentials(provider, f.DNSCredentials)
	if err != nil {
		return err
	}
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	s.DNSSealed = key.Seal(text, dnsSecretsPlace)
	return nil
}

// parseCredentials never quotes a value in its errors.
func parseCredentials(provider DNSProvider, text string) (map[string]string, error) {
	wanted := "Write a line each: " + strings.Join(provider.Variables, "=…, ") + "=…."
	if len(text) > 8<<10 {
		return nil, refuseField(FieldDNSCredentials, "The credentials are longer than 8 KB.", wanted)
	}
	pairs, err := dotenv.Parse(text)
	if err != nil {
		return nil, refuseField(FieldDNSCredentials, "The credentials cannot be read.", wanted)
	}
	values := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		if !slices.Contains(provider.Variables, pair.Name) {
			return nil, refuseField(FieldDNSCredentials, fmt.Sprintf("%.60q is not one of %s.", pair.Name, provider.Title), wanted)
		}
		if pair.Value != "" {
			values[pair.Name] = pair.Value
		}
	}
	for _, name := range provider.Variables {
		if values[name] == "" {
			return nil, refuseField(FieldDNSCredentials, name+" is missing.", wanted)
		}
	}
	return values, nil
}

var dashboardUserPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (f ProxyForm) parseDashboard(s *ProxySettings, was ProxySettings) error {
	switch s.Dashboard {
	case DashboardLocal, DashboardOff:
		return nil
	case DashboardHost:
	default:
		return refuseField(FieldDashboard, "There is no such choice.", "Choose one of the list.")
	}
	host, err := traefik.ParseHost(strings.TrimSpace(f.DashboardHost))
	if err != nil {
		return refuseField(FieldDashboardHost, fmt.Sprintf("%.80q is not a host.", f.DashboardHost), "Write a domain such as traefik.example.com.")
	}
	if !dashboardUserPattern.MatchString(f.DashboardUser) {
		return refuseField(FieldDashboardUser, "This is not a user name.", "Use letters, digits and . _ - in it.")
	}
	s.DashboardHost, s.DashboardUser = host, f.DashboardUser
	return f.hashDashboard(s, was)
}

func (f ProxyForm) hashDashboard(s *ProxySettings, was ProxySettings) error {
	password := f.DashboardPassword.Reveal()
	switch {
	case password == "" && was.DashboardHash != "" && was.DashboardUser == s.DashboardUser:
		s.DashboardHash = was.DashboardHash
		return nil
	case len(password) < 12 || len(password) > secret.MaxPasswordBytes:
		return refuseField(FieldDashboardPass, "The password is missing, too short or too long.", fmt.Sprintf("Use 12 to %d characters: the page is on the internet.", secret.MaxPasswordBytes))
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), dashboardCost)
	if err != nil {
		return fmt.Errorf("hash dashboard password: %w", err)
	}
	s.DashboardHash = string(hash)
	return nil
}

// acme returns the settings in the proxy's form.
func (s ProxySettings) acme(key secret.Key) (traefik.ACME, error) {
	made := traefik.ACME{Email: s.Email}
	switch s.Authority {
	case AuthorityLetsEncrypt:
		made.Directory = traefik.LetsEncrypt
		if s.DryRun {
			made.Directory = traefik.LetsEncryptStaging
		}
	case AuthorityOther:
		made.Directory = s.Directory
		if s.Trust != "" {
			made.Trust = []byte(s.Trust + "\n")
		}
	default:
		return traefik.ACME{}, nil
	}
	if s.DNSProvider == "" {
		return made, nil
	}
	text, err := key.Open(s.DNSSealed, dnsSecretsPlace)
	if err != nil {
		return traefik.ACME{}, fmt.Errorf("open credentials of the DNS provider: %w", err)
	}
	made.DNSProvider = s.DNSProvider
	return made, json.Unmarshal(text, &made.DNSSecrets)
}

// static returns the proxy's static options with these settings.
func (s ProxySettings) static(base traefik.StaticOptions, key secret.Key, self netip.Addr) (traefik.StaticOptions, error) {
	acme, err := s.acme(key)
	if err != nil {
		return base, err
	}
	base.ACME, base.HTTP3 = acme, s.HTTP3
	base.TrustedProxies = joinTrusted(base.TrustedProxies, s.TrustedProxies)
	base.Dashboard = traefik.Dashboard{Off: s.Dashboard == DashboardOff, Controller: self}
	if s.Dashboard == DashboardHost {
		base.Dashboard.Host, base.Dashboard.Resolver = s.DashboardHost, acme.Resolver(s.Challenge)
		base.Dashboard.Users = []traefik.User{{Name: s.DashboardUser, Hash: s.DashboardHash}}
	}
	return base, nil
}

// changes names the changed settings for the audit log, and no secret value.
func (s ProxySettings) changes(was ProxySettings) string {
	a, b := s.asMap(), was.asMap()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(mergeKeys(a, b))) {
		if fmt.Sprint(a[name]) != fmt.Sprint(b[name]) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func (s ProxySettings) asMap() map[string]any {
	values := make(map[string]any)
	text, err := json.Marshal(s)
	if err == nil {
		_ = json.Unmarshal(text, &values) // marshalled text can be read back
	}
	return values
}

func mergeKeys(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
