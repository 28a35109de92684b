package traefik

import (
	"strings"
	"testing"
)

func line(domains, text string) string {
	return `{"level":"error","providerName":"production-http.acme","ACME CA":"https://acme-v02.api.letsencrypt.org/directory","error":` + text + `,"domains":[` + domains + `],"time":"2026-11-22T12:00:00Z","message":"Unable to obtain ACME certificate for domains"}`
}

func TestFailure_SaysEachRefusalInWords(t *testing.T) {
	const begin = `"unable to generate a certificate for the domains [a.example.com]: `
	for said, want := range map[string]string{
		`acme: error: 429 :: POST :: https://acme/new-order :: urn:ietf:params:acme:error:rateLimited :: too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-11-23 04:00:00 UTC"`: "too many requests",
		`invalid authorization: acme: error: 403 :: urn:ietf:params:acme:error:caa :: CAA record for a.example.com prevents issuance"`:                                                                                                          "CAA record",
		`invalid authorization: acme: error: 400 :: urn:ietf:params:acme:error:dns :: DNS problem: NXDOMAIN looking up A for a.example.com"`:                                                                                                    "finds no address",
		`invalid authorization: acme: error: 400 :: urn:ietf:params:acme:error:connection :: 203.0.113.9: Fetching http://a.example.com/.well-known/acme-challenge/x: Timeout during connect (likely firewall problem)"`:                        "could not reach this server",
		`invalid authorization: acme: error: 403 :: urn:ietf:params:acme:error:unauthorized :: 203.0.113.9: Invalid response from http://a.example.com/.well-known/acme-challenge/x: 404"`:                                                      "another server than this one",
		`cannot get ACME client get directory at 'https://acme.test/dir': Get \"https://acme.test/dir\": dial tcp: lookup acme.test: no such host"`:                                                                                             "could not reach the certificate authority",
		`cannot get ACME client get directory at 'https://acme.test/dir': tls: failed to verify certificate: x509: certificate signed by unknown authority"`:                                                                                    "does not trust the certificate authority",
		`something new"`: "gave no certificate",
	} {
		failure, found := ParseFailure(line(`"a.example.com"`, begin+said))
		if !found || !strings.Contains(failure.Message, want) || failure.Hint == "" || failure.Hosts[0] != "a.example.com" {
			t.Errorf("%s: %+v", said, failure)
		}
	}
}

func TestFailure_NamesTheHostsOfARenewalAndOfAWildcard(t *testing.T) {
	renewal := `{"level":"error","providerName":"ca-1-dns.acme","error":"acme: error: 400","time":"2026-11-22T12:00:00Z","message":"Error renewing ACME certificate: {base.example.com [*.base.example.com b.example.com]}"}`
	failure, found := ParseFailure(renewal)
	if !found || len(failure.Hosts) != 2 || failure.Hosts[0] != "base.example.com" || failure.Hosts[1] != "b.example.com" {
		t.Errorf("%+v", failure)
	}
}

func TestFailure_PassesOverEverythingElse(t *testing.T) {
	for _, other := range []string{
		"", "{", "plain .acme text", `{"level":"info","providerName":"x.acme","message":"Register..."}`,
		`{"level":"error","providerName":"file","error":"x.acme","domains":["a.example.com"]}`,
		`{"ClientHost":"10.0.0.1","RequestPath":"/x.acme","error":"forged","domains":["a.example.com"]}`,
		line(`"not a host"`, `"x"`), line("", `"x"`),
	} {
		if failure, found := ParseFailure(other); found {
			t.Errorf("%s: %+v", other, failure)
		}
	}
}

func FuzzFailure_NeverPanicsNorNamesAHostThatIsNone(f *testing.F) {
	f.Add(line(`"a.example.com"`, `"x"`))
	f.Fuzz(func(t *testing.T, text string) {
		failure, found := ParseFailure(text)
		for _, host := range failure.Hosts {
			if parsed, err := ParseHost(string(host)); err != nil || parsed != host {
				t.Errorf("host %q", host)
			}
		}
		if found && (failure.Message == "" || len(failure.Text) > maxFailureText+10) {
			t.Errorf("%+v", failure)
		}
	})
}
