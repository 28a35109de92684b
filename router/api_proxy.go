package router

import (
	"net/http"

	"berth/controller/certificates"
	"berth/controller/secret"
)

// proxyJSON is the settings of the proxy, without its secrets.
type proxyJSON struct {
	Authority      string `json:"authority"`
	Email          string `json:"email"`
	Directory      string `json:"directory"`
	Trust          string `json:"trust"` // PEM
	Challenge      string `json:"challenge"`
	DryRun         bool   `json:"dry_run"`
	ForceHTTPS     bool   `json:"force_https"`
	HTTP3          bool   `json:"http3"`
	DNSProvider    string `json:"dns_provider"`
	Dashboard      string `json:"dashboard"`
	DashboardHost  string `json:"dashboard_host"`
	DashboardUser  string `json:"dashboard_user"`
	TrustedProxies string `json:"trusted_proxies"` // addresses and ranges, with commas between
}

// proxyWish is what of them changes; what it leaves out stays. Secrets that are left out
// stay too.
type proxyWish struct {
	proxyJSON
	DNSCredentials    secret.Text `json:"dns_credentials"`
	DashboardPassword secret.Text `json:"dashboard_password"`
}

func proxyJSONOf(f certificates.ProxyForm) proxyJSON {
	return proxyJSON{
		f.Authority, f.Email, f.Directory, f.Trust, f.Challenge, f.DryRun, f.ForceHTTPS, f.HTTP3, f.DNSProvider,
		f.Dashboard, f.DashboardHost, f.DashboardUser, f.TrustedProxies,
	}
}

func (w proxyWish) form() certificates.ProxyForm {
	return certificates.ProxyForm{
		Authority: w.Authority, Email: w.Email, Directory: w.Directory, Trust: w.Trust, Challenge: w.Challenge,
		DryRun: w.DryRun, ForceHTTPS: w.ForceHTTPS, HTTP3: w.HTTP3,
		DNSProvider: w.DNSProvider, DNSCredentials: w.DNSCredentials.Reveal(),
		Dashboard: w.Dashboard, DashboardHost: w.DashboardHost, DashboardUser: w.DashboardUser, DashboardPassword: w.DashboardPassword,
		TrustedProxies: w.TrustedProxies,
	}
}

func (a *admin) apiShowProxy(v *visit) error {
	return v.json(http.StatusOK, proxyJSONOf(a.domains.Settings().Form()))
}

// apiUpdateProxy changes the proxy's settings, and answers once they are in place.
func (a *admin) apiUpdateProxy(v *visit) error {
	wish := proxyWish{proxyJSON: proxyJSONOf(a.domains.Settings().Form())}
	if err := decodeJSON(v.request(), &wish, `{"authority": "letsencrypt", "email": "me@example.com"}`); err != nil {
		return err
	}
	changed, _, err := a.domains.UpdateSettings(v.context(), wish.form())
	if err != nil {
		return err
	}
	v.done.resource, v.done.detail = "proxy", changed
	return a.apiShowProxy(v)
}
