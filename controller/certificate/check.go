package certificate

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"berth/controller/problem"
)

const leastRSABits = 2048

// day is how a date is written for people.
const day = "2 January 2006"

// checkLeaf is about what the certificate is for: host, purpose and time.
func checkLeaf(leaf *x509.Certificate, o Options) error {
	refuse := func(reason, hint string) error { return problem.Invalid(reason, hint).At(FieldChain) }
	if len(leaf.DNSNames) == 0 {
		return refuse("The certificate names no host, at most in its old common name, which browsers do not read.",
			"Ask for a certificate with the host as a subject alternative name.")
	}
	if leaf.VerifyHostname(o.asked()) != nil {
		return refuse(fmt.Sprintf("The certificate is for %s, and not for %s.", shortList(leaf.DNSNames), o.Host),
			"Ask for a certificate that names the host, or a wildcard one label above it.")
	}
	if o.Now.After(leaf.NotAfter) {
		return refuse(fmt.Sprintf("The certificate ended on %s.", leaf.NotAfter.UTC().Format(day)), "Renew it, and send the new one.")
	}
	if o.Now.Before(leaf.NotBefore) {
		return refuse(fmt.Sprintf("The certificate begins on %s only.", leaf.NotBefore.UTC().Format(day)), "Send it then, or check this server's clock.")
	}
	uses := leaf.ExtKeyUsage
	if len(uses) > 0 && !slices.Contains(uses, x509.ExtKeyUsageServerAuth) && !slices.Contains(uses, x509.ExtKeyUsageAny) {
		return refuse("The certificate is not for servers.", "Ask for one with the extended key usage serverAuth.")
	}
	return nil
}

// asked is the host, or for a wildcard a host that it covers: only a certificate for the
// wildcard is for that one.
func (o Options) asked() string { return strings.Replace(o.Host, "*", "berth-wildcard-check", 1) }

func shortList(names []string) string {
	const most = 4
	shown := make([]string, 0, most)
	for _, name := range names {
		if len(shown) == most {
			return strings.Join(shown, ", ") + fmt.Sprintf(" and %d more", len(names)-most)
		}
		shown = append(shown, strings.ToValidUTF8(name, "?"))
	}
	return strings.Join(shown, ", ")
}

// checkStrength refuses keys and signatures that browsers refuse, or soon will.
func checkStrength(chain []*x509.Certificate) error {
	for i, certificate := range chain {
		whose := "The certificate"
		if i > 0 {
			whose = fmt.Sprintf("The intermediate %q", nameOf(certificate))
		}
		if weakness := weakKey(certificate.PublicKey); weakness != "" {
			return problem.Invalid(whose+" has "+weakness+".", "Use RSA of 2048 bits or more, P-256, P-384 or Ed25519.").At(FieldChain)
		}
		switch certificate.SignatureAlgorithm {
		case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1, x509.UnknownSignatureAlgorithm:
			return problem.Invalid(
				fmt.Sprintf("%s is signed with %s, which browsers do not accept.", whose, certificate.SignatureAlgorithm),
				"Ask for a certificate that is signed with SHA-256.",
			).At(FieldChain)
		}
	}
	return nil
}

// weakKey says what is wrong with a public key; empty where it is good.
func weakKey(key any) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < leastRSABits {
			return fmt.Sprintf("an RSA key of %d bits, which is too weak", key.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return fmt.Sprintf("a key on the curve %s, which not every browser takes", key.Curve.Params().Name)
		}
	case ed25519.PublicKey:
	default:
		return "a key of a kind that browsers do not take"
	}
	return ""
}

// checkTrust tells whether browsers will believe the chain. One of a company's own
// authority is not refused; one of a public authority that lacks its middle is:
// some browsers would find it and others not.
func checkTrust(chain []*x509.Certificate, o Options) (trusted bool, err error) {
	between := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{DNSName: o.asked(), Roots: o.Roots, Intermediates: between, CurrentTime: o.Now})
	if err == nil {
		return true, nil
	}
	last := chain[len(chain)-1]
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	if unknown && len(last.IssuingCertificateURL) > 0 && !selfSigned(last) {
		return false, problem.Invalid(
			fmt.Sprintf("The chain is not complete: the certificate of %q, who signed, is missing.", issuerOf(last)),
			"Send the file that your authority calls full chain, or add its intermediate below the certificate.",
		).At(FieldChain)
	}
	for _, certificate := range chain[1:] {
		if o.Now.After(certificate.NotAfter) {
			return false, problem.Invalid(
				fmt.Sprintf("The intermediate %q ended on %s.", nameOf(certificate), certificate.NotAfter.UTC().Format(day)),
				"Download the present chain from your authority.",
			).At(FieldChain)
		}
	}
	return false, nil
}

func issuerOf(c *x509.Certificate) string {
	name := c.Issuer.CommonName
	if name == "" && len(c.Issuer.Organization) > 0 {
		name = c.Issuer.Organization[0]
	}
	if len(name) > 100 {
		name = name[:100]
	}
	return strings.ToValidUTF8(name, "?")
}
