package router

import (
	"fmt"
	"net/http"
	"time"

	"berth/controller/app"
	"berth/controller/certificates"
	"berth/controller/secret"
	"berth/traefik"
)

// certificateJSON is a host with the certificate that it shows. No key is in it.
type certificateJSON struct {
	Host        traefik.Host            `json:"host"`
	Apps        []app.Name              `json:"apps"`
	Source      certificates.Source     `json:"source"` // empty: as in the proxy's settings
	Redirect    certificates.Switch     `json:"redirect"`
	HSTSSeconds int64                   `json:"hsts"`       // in seconds
	Redirected  bool                    `json:"redirected"` // plain requests, now
	Seen        *seenJSON               `json:"seen"`       // null: no certificate covers it
	Failure     *certificateFailureJSON `json:"failure"`    // null: none
}

// seenJSON is the certificate that the proxy shows.
type seenJSON struct {
	Issuer  string    `json:"issuer"`
	Names   []string  `json:"names"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Trusted bool      `json:"trusted"` // by browsers
	DryRun  bool      `json:"dry_run"`
	Own     bool      `json:"own"`
}

type certificateFailureJSON struct {
	At      time.Time  `json:"at"`
	Times   int        `json:"times"`
	Message string     `json:"message"`
	Hint    string     `json:"hint"`
	Again   *time.Time `json:"again_at"` // when it is asked for again
}

// certificatesJSON is every host.
type certificatesJSON struct {
	Certificates []certificateJSON `json:"certificates"`
}

// certificateWish is what of a host changes; what it leaves out stays.
type certificateWish struct {
	Source      certificates.Source `json:"source"`
	Redirect    certificates.Switch `json:"redirect"`
	HSTSSeconds int64               `json:"hsts"` // in seconds
}

// ownCertificateWish is a certificate with its chain, and its key, as PEM.
type ownCertificateWish struct {
	Chain string      `json:"chain"`
	Key   secret.Text `json:"key"`
}

func certificateJSONOf(view certificates.DomainView) certificateJSON {
	seen := view.Seen
	made := certificateJSON{
		Host: view.Host, Apps: list(view.Apps), Source: view.Source, Redirect: view.Redirect,
		HSTSSeconds: int64(view.HSTS.Seconds()), Redirected: view.Redirected,
	}
	if !seen.At.IsZero() && !seen.Fallback {
		made.Seen = &seenJSON{seen.Issuer, list(seen.Names), seen.From, seen.Until, seen.Trusted, seen.DryRun, seen.Own}
	}
	if f := seen.Failure; f.Message != "" {
		made.Failure = &certificateFailureJSON{f.At, f.Times, f.Message, f.Hint, timeOrNull(f.Again)}
	}
	return made
}

func (a *admin) apiListCertificates(v *visit) error {
	views, err := a.domains.Domains(v.context())
	if err != nil {
		return err
	}
	made := certificatesJSON{Certificates: []certificateJSON{}}
	for _, view := range views {
		made.Certificates = append(made.Certificates, certificateJSONOf(view))
	}
	return v.json(http.StatusOK, made)
}

func (a *admin) apiShowCertificate(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	return a.answerCertificate(v, host)
}

func (a *admin) answerCertificate(v *visit, host traefik.Host) error {
	view, err := a.findDomain(v.context(), host)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, certificateJSONOf(view))
}

// apiUpdateCertificate changes how a host is served.
func (a *admin) apiUpdateCertificate(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	view, err := a.findDomain(v.context(), host)
	if err != nil {
		return err
	}
	wish := certificateWish{view.Source, view.Redirect, int64(view.HSTS.Seconds())}
	if err := decodeJSON(v.request(), &wish, `{"source": "http", "redirect": "on", "hsts": 3600}`); err != nil {
		return err
	}
	if wish.HSTSSeconds < 0 || wish.HSTSSeconds > mostHSTSSeconds {
		wish.HSTSSeconds = -1 // no choice of the list, which is said
	}
	change := certificates.DomainChange{Source: wish.Source, Redirect: wish.Redirect, HSTS: time.Duration(wish.HSTSSeconds) * time.Second}
	v.done.detail = fmt.Sprintf("source %.10q, redirect %.5q, HSTS %s", wish.Source, wish.Redirect, change.HSTS)
	if err := a.domains.UpdateDomain(v.context(), host, change); err != nil {
		return err
	}
	return a.answerCertificate(v, host)
}

// mostHSTSSeconds keeps a number within a time.Duration.
const mostHSTSSeconds = 1 << 31

// apiUseOwnCertificate takes a person's certificate.
func (a *admin) apiUseOwnCertificate(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	var wish ownCertificateWish
	if err := decodeJSON(v.request(), &wish, `{"chain": "-----BEGIN CERTIFICATE-----...", "key": "-----BEGIN PRIVATE KEY-----..."}`); err != nil {
		return err
	}
	pair, err := a.domains.UseOwnCertificate(v.context(), host, []byte(wish.Chain), []byte(wish.Key.Reveal()))
	if err != nil {
		return err
	}
	v.done.detail = "ends " + pair.Leaf.NotAfter.UTC().Format(time.DateOnly)
	return a.answerCertificate(v, host)
}

// apiDropOwnCertificate goes back to the authority.
func (a *admin) apiDropOwnCertificate(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	if err := a.domains.DropOwnCertificate(v.context(), host); err != nil {
		return err
	}
	return a.answerCertificate(v, host)
}

// apiAskAgain asks the authority at once.
func (a *admin) apiAskAgain(v *visit) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	if err := a.domains.AskAgain(v.context(), host); err != nil {
		return err
	}
	return a.answerCertificate(v, host)
}
