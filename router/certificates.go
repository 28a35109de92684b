package router

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/certificate"
	"berth/controller/certificates"
	"berth/controller/problem"
	"berth/traefik"
)

// Domains is what the admin app asks about hosts and their certificates.
type Domains interface {
	Domains(context.Context) ([]certificates.DomainView, error)
	Alerts(context.Context) ([]certificates.DomainAlert, error)
	UpdateDomain(context.Context, traefik.Host, certificates.DomainChange) error
	UseOwnCertificate(ctx context.Context, host traefik.Host, chain, key []byte) (certificate.Pair, error)
	DropOwnCertificate(context.Context, traefik.Host) error
	AskAgain(context.Context, traefik.Host) error
	Settings() certificates.ProxySettings
	TrustedByEnvironment() string
	UpdateSettings(context.Context, certificates.ProxyForm) (changed string, restarted bool, err error)
}

// The fields of a domain's forms.
const (
	fieldSource    = "source"
	fieldRedirect  = "redirect"
	fieldHSTS      = "hsts"
	fieldChain     = "chain"
	fieldChainFile = "chain_file"
	fieldCertKey   = "key"
	fieldKeyFile   = "key_file"
)

type certificatesPage struct {
	frame
	Rows   []domainRow
	DryRun bool
	Asks   bool // there is an authority
}

// certificatePage is one host.
type certificatePage struct {
	frame
	Row      domainRow
	Source   string // as typed, else as it is
	Redirect string
	HSTS     string
	Choices  []choice // of HSTS
	Sources  []choice
	Chain    string // as typed; the key is never shown again
	Problems fieldProblems
}

// choice is one option of a list.
type choice struct{ Value, Label string }

func (a *admin) showCertificates(v *visit) error {
	views, err := a.domains.Domains(v.context())
	if err != nil {
		return err
	}
	settings := a.domains.Settings()
	page := certificatesPage{
		frame: v.frame("Certificates"), Asks: settings.Authority != certificates.AuthorityNone,
		DryRun: settings.Authority == certificates.AuthorityLetsEncrypt && settings.DryRun,
	}
	page.Section, page.Tab = "settings", "certificates"
	for _, view := range views {
		page.Rows = append(page.Rows, domainRowOf(view, a.now()))
	}
	return v.page(http.StatusOK, "certificates", page)
}

func (a *admin) showCertificate(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	return a.certificateForm(v, host, fieldProblems{})
}

// updateDomain changes how a host is served: 303 to its page.
func (a *admin) updateDomain(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	form := v.request().PostForm
	seconds, err := strconv.ParseInt(form.Get(fieldHSTS), 10, 32)
	if err != nil {
		seconds = -1 // no choice of the list
	}
	change := certificates.DomainChange{
		Source: certificates.Source(form.Get(fieldSource)), Redirect: certificates.Switch(form.Get(fieldRedirect)),
		HSTS: time.Duration(seconds) * time.Second,
	}
	v.done.detail = fmt.Sprintf("source %.10q, redirect %.5q, HSTS %s", form.Get(fieldSource), form.Get(fieldRedirect), change.HSTS)
	return a.changeDomain(v, host, a.domains.UpdateDomain(v.context(), host, change), "The settings of %s are in place.")
}

// useOwnCertificate takes a person's certificate: 303 to the host's page.
func (a *admin) useOwnCertificate(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	chain, err := v.textOrFile(fieldChain, fieldChainFile)
	if err != nil {
		return err
	}
	key, err := v.textOrFile(fieldCertKey, fieldKeyFile)
	if err != nil {
		return err
	}
	pair, err := a.domains.UseOwnCertificate(v.context(), host, chain, key)
	if err == nil {
		v.done.detail = "ends " + pair.Leaf.NotAfter.UTC().Format(time.DateOnly)
	}
	sentence := "%s has its own certificate now."
	if err == nil && !pair.Trusted {
		sentence = "%s has its own certificate now. Browsers do not know who signed it."
	}
	return a.changeDomain(v, host, err, sentence)
}

// dropOwnCertificate goes back to the authority: 303 to the host's page.
func (a *admin) dropOwnCertificate(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	return a.changeDomain(v, host, a.domains.DropOwnCertificate(v.context(), host), "The own certificate of %s is removed.")
}

// askAgain asks the authority at once: 303 to the host's page.
func (a *admin) askAgain(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	return a.changeDomain(v, host, a.domains.AskAgain(v.context(), host), "Requesting a certificate for %s again.")
}

func (a *admin) changeDomain(v *visit, host traefik.Host, err error, sentence string) error {
	problems := fieldProblems{}
	if err := problems.add(err); err != nil {
		return err
	}
	if len(problems) > 0 {
		return a.certificateForm(v, host, problems)
	}
	if err := v.notify(fmt.Sprintf(sentence, host)); err != nil {
		return err
	}
	return v.seeOther(domainPath(host))
}

func (a *admin) certificateForm(v *visit, host traefik.Host, problems fieldProblems) error {
	view, err := a.findDomain(v.context(), host)
	if err != nil {
		return err
	}
	page := certificatePage{
		frame: v.frame(string(host)), Row: domainRowOf(view, a.now()), Problems: problems,
		Source: string(view.Source), Redirect: string(view.Redirect), HSTS: strconv.Itoa(int(view.HSTS.Seconds())),
		Choices: hstsChoices(), Sources: sourceChoices(view),
	}
	page.Section, page.Tab, page.Problem = "settings", "certificates", problems[""]
	page.typed(v.request().PostForm)
	return v.page(problems.status(), "certificate", page)
}

func (p *certificatePage) typed(form url.Values) {
	if form.Has(fieldSource) {
		p.Source, p.Redirect, p.HSTS = form.Get(fieldSource), form.Get(fieldRedirect), form.Get(fieldHSTS)
	}
	if chain := form.Get(fieldChain); !strings.Contains(chain, "PRIVATE KEY") {
		p.Chain = chain
	}
}

func (a *admin) findDomain(ctx context.Context, host traefik.Host) (certificates.DomainView, error) {
	views, err := a.domains.Domains(ctx)
	if err != nil {
		return certificates.DomainView{}, err
	}
	for _, view := range views {
		if view.Host == host {
			return view, nil
		}
	}
	return certificates.DomainView{}, problem.NotFound(
		fmt.Sprintf("No app has the host %s.", host),
		"Give an app a route with the host first.",
	)
}

// domainsOf are the hosts of the app's routes.
func (a *admin) domainsOf(v *visit, name app.Name) ([]domainRow, error) {
	views, err := a.domains.Domains(v.context())
	if err != nil {
		return nil, err
	}
	var rows []domainRow
	for _, view := range views {
		if slices.Contains(view.Apps, name) {
			rows = append(rows, domainRowOf(view, a.now()))
		}
	}
	return rows, nil
}

// domain is the host that the path names.
func (v *visit) domain() (traefik.Host, error) {
	host, err := traefik.ParseAppHost(v.gin.Param("host"))
	if err != nil || string(host) != v.gin.Param("host") {
		return "", malformed(fmt.Sprintf("%.60q cannot be a host.", v.gin.Param("host")), "Look for it under Settings, Certificates.", err)
	}
	v.done.resource = "domain " + string(host)
	return host, nil
}

// textOrFile is what a field holds, else the file of the other. What is too large is
// cut behind the limit, which the check then says.
func (v *visit) textOrFile(field, fileField string) ([]byte, error) {
	if text := v.request().PostForm.Get(field); text != "" {
		return []byte(text), nil
	}
	form := v.request().MultipartForm
	if form == nil || len(form.File[fileField]) == 0 {
		return nil, nil
	}
	return readPart(form.File[fileField][0])
}

func readPart(header *multipart.FileHeader) ([]byte, error) {
	file, err := header.Open()
	if err != nil {
		return nil, fmt.Errorf("open uploaded file: %w", err)
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, certificate.MostBytes+1))
}

func hstsChoices() []choice {
	words := map[time.Duration]string{
		0: "Off", time.Hour: "One hour, to try", 24 * time.Hour: "One day", 30 * 24 * time.Hour: "30 days",
		365 * 24 * time.Hour: "One year", 2 * 365 * 24 * time.Hour: "Two years",
	}
	var choices []choice
	for _, length := range certificates.HSTSChoices {
		choices = append(choices, choice{strconv.Itoa(int(length.Seconds())), words[length]})
	}
	return choices
}

func sourceChoices(view certificates.DomainView) []choice {
	choices := []choice{
		{"", "As in the proxy's settings"},
		{string(certificates.SourceHTTP), "The authority, challenge on port 80 (HTTP-01)"},
		{string(certificates.SourceTLS), "The authority, challenge on port 443 (TLS-ALPN-01)"},
		{string(certificates.SourceNone), "None"},
	}
	if view.Chain != nil {
		choices = append(choices, choice{string(certificates.SourceOwn), "Your own"})
	}
	return choices
}
