package router

import (
	"errors"
	"net/url"

	"berth/controller/certificates"
	"berth/controller/problem"
	"berth/controller/secret"
)

type proxyPage struct {
	frame
	Form      certificates.ProxyForm // as typed, else as it is
	Providers []certificates.DNSProvider
	Problems  fieldProblems
	HasDNS    bool   // credentials are stored
	HasUser   bool   // a password of the dashboard is stored
	Trusted   string // proxies that the environment names
}

func (a *admin) showProxySettings(v *visit) error {
	return a.proxyForm(v, a.domains.Settings().Form(), fieldProblems{})
}

// updateProxySettings gives the proxy other settings: 303 to their page.
func (a *admin) updateProxySettings(v *visit) error {
	form := typedProxy(v.request().PostForm)
	changed, restarted, err := a.domains.UpdateSettings(v.context(), form)
	problems, err := fileProblems(err)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return a.proxyForm(v, form, problems)
	}
	v.done.resource, v.done.detail = "proxy", changed
	sentence := "The proxy's settings are in place."
	switch {
	case changed == "":
		sentence = "The proxy had these settings already."
	case restarted:
		sentence = "The proxy's settings are in place; it was restarted for them."
	}
	if err := v.notify(sentence); err != nil {
		return err
	}
	return v.seeOther("/settings/proxy")
}

// fileProblems puts each under its field. A proxy that does not come back is told
// on the form too, which keeps what was typed.
func fileProblems(err error) (fieldProblems, error) {
	problems := fieldProblems{}
	if several, ok := errors.AsType[problem.Problems](err); ok {
		for _, problem := range several {
			problems[problem.Field] = problem
		}
		return problems, nil
	}
	if fault, ok := errors.AsType[*problem.Problem](err); ok && fault.Kind == problem.KindUnavailable {
		problems[""] = fault
		return problems, nil
	}
	return problems, problems.add(err)
}

func (a *admin) proxyForm(v *visit, form certificates.ProxyForm, problems fieldProblems) error {
	settings := a.domains.Settings()
	page := proxyPage{
		frame: v.frame("Proxy"), Form: form, Providers: certificates.DNSProviders, Problems: problems,
		HasDNS: settings.DNSSealed != nil, HasUser: settings.DashboardHash != "",
		Trusted: a.domains.TrustedByEnvironment(),
	}
	page.Section, page.Tab, page.Problem = "settings", "proxy", problems[""]
	return v.page(problems.status(), "proxy", page)
}

func typedProxy(form url.Values) certificates.ProxyForm {
	return certificates.ProxyForm{
		Authority: form.Get(certificates.FieldAuthority), Email: form.Get(certificates.FieldEmail),
		Directory: form.Get(certificates.FieldDirectory), Trust: form.Get(certificates.FieldTrust), Challenge: form.Get(certificates.FieldChallenge),
		DryRun: form.Get("dry_run") != "", ForceHTTPS: form.Get("force_https") != "", HTTP3: form.Get("http3") != "",
		DNSProvider: form.Get(certificates.FieldDNSProvider), DNSCredentials: form.Get(certificates.FieldDNSCredentials),
		Dashboard: form.Get(certificates.FieldDashboard), DashboardHost: form.Get(certificates.FieldDashboardHost),
		DashboardUser: form.Get(certificates.FieldDashboardUser), DashboardPassword: secret.Text(form.Get(certificates.FieldDashboardPass)),
		TrustedProxies: form.Get(certificates.FieldTrustedProxies),
	}
}

// Wrong is the problem of the field, for the template; nil where there is none.
func (p proxyPage) Wrong(field string) *problem.Problem { return p.Problems[field] }
