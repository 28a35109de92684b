package traefik

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Failure explains why the proxy got no certificate. Message and Hint are safe to show.
// Text is the authority's message.
type Failure struct {
	Hosts   []Host
	At      time.Time
	Message string
	Hint    string // the next step
	Text    string
	// Patient means that an early retry makes it worse, because the authority counts
	// requests.
	Patient bool
}

const maxFailureText = 600

// acmeLine is the proxy's log line about a certificate.
type acmeLine struct {
	Level    string    `json:"level"`
	Provider string    `json:"providerName"`
	Domains  []string  `json:"domains"`
	Error    string    `json:"error"`
	Message  string    `json:"message"`
	Time     time.Time `json:"time"`
}

// renewalPattern finds the names in a message such as "Error renewing ACME certificate:
// {a.example.com [b.example.com]}".
var renewalPattern = regexp.MustCompile(`^Error renewing ACME certificate: \{(?:Main:)?([^ ]+) (?:SANs:)?\[([^\]]*)\]\}$`)

// ParseFailure reads one line of the proxy's log; false if the line is about something
// else.
func ParseFailure(line string) (Failure, bool) {
	if !strings.Contains(line, ".acme") || !strings.HasPrefix(line, "{") {
		return Failure{}, false
	}
	var entry acmeLine
	if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Error == "" || !strings.HasSuffix(entry.Provider, ".acme") {
		return Failure{}, false
	}
	names := entry.Domains
	if found := renewalPattern.FindStringSubmatch(entry.Message); found != nil {
		names = append([]string{found[1]}, strings.Fields(found[2])...)
	}
	failure := explain(entry.Error)
	failure.At = entry.Time
	for _, name := range names {
		host, err := ParseHost(strings.TrimPrefix(name, "*."))
		if err == nil && !slices.Contains(failure.Hosts, host) {
			failure.Hosts = append(failure.Hosts, host)
		}
	}
	return failure, len(failure.Hosts) > 0
}

// explanation explains the errors that hold one of its words.
type explanation struct {
	words   []string // in lower case
	message string
	hint    string
	patient bool
}

// explanations are tried in order. The types of RFC 8555 say less than their details, and
// a rate limit comes with words of any kind.
var explanations = []explanation{
	{
		[]string{"ratelimited", "rate limit", "too many"},
		"The certificate authority refuses: too many requests. Try again later.",
		"Wait until the time that it names below; asking again only makes it later. A dry run with staging has far higher limits.", true,
	},
	{
		[]string{":caa", "caa record", "caa forbids"},
		"A CAA record of the domain does not allow this certificate authority.",
		"Add a CAA record that allows it (for Let's Encrypt: 0 issue \"letsencrypt.org\"), or remove the record.", false,
	},
	{
		[]string{"rejectedidentifier", "policy forbids", "forbidden by policy", "blocklist"},
		"The certificate authority gives no certificate for this name.",
		"Use another host, or a certificate of your own.", true,
	},
	{
		[]string{"externalaccountrequired", "external account"},
		"The certificate authority wants an account that was made with it before.",
		"Use a directory without external accounts, or a certificate of your own.", true,
	},
	{
		[]string{"no valid a records", "could not resolve", "no such host", "nxdomain", "servfail", "no valid ip addresses", ":dns", "dns problem", "no ip addresses"},
		"The certificate authority finds no address for this host.",
		"Add an A record (and AAAA, where the server has IPv6) that points to this server, and wait until it is to be seen everywhere.", false,
	},
	{
		[]string{"could not find the start of authority", "dns01:", "dns-01", "propagation", "failed to create txt", "present: ", "present]"},
		"The TXT record that proves the domain could not be made or was not seen.",
		"Check the DNS provider and its credentials in the proxy's settings, and that it serves this domain.", false,
	},
	{
		[]string{"tls-alpn", "tlsalpn", "acme-tls/1"},
		"The certificate authority reached port 443, and something else than this server answered.",
		"Point the host's A and AAAA records to this server, take off a CDN or load balancer that ends TLS in front of it, or prove the domain over port 80 instead.", false,
	},
	{
		[]string{"connection refused", "timeout", "timed out", "deadline exceeded", "no route to host", "network is unreachable", ":connection", "connection reset"},
		"The certificate authority could not reach this server.",
		"Open ports 80 and 443 in the firewall and at the provider, and check that the host's addresses (also AAAA) are those of this server.", false,
	},
	{
		[]string{"unauthorized", "incorrectresponse", "invalid response", "keyauthorization", "key authorization"},
		"The certificate authority reached another server than this one.",
		"Point the host's A and AAAA records to this server, and remove old addresses and redirects of a CDN in front of it.", false,
	},
	{
		[]string{"certificate signed by unknown authority", "failed to verify certificate", "x509:"},
		"The proxy does not trust the certificate authority's own server.",
		"Give the authority's root certificate in the proxy's settings, beside its directory.", false,
	},
	{
		[]string{"badnonce", "serverinternal", "internal server error", "503", "502", "service busy"},
		"The certificate authority has a problem of its own.",
		"Nothing needs to be done: the proxy asks again.", false,
	},
	{
		[]string{"invalidcontact", "contact", "invalid email", "unable to parse email"},
		"The certificate authority refuses the email address.",
		"Give another one in the proxy's settings.", true,
	},
	{
		[]string{"dial tcp", "lookup", "get directory", "cannot get acme client"},
		"The proxy could not reach the certificate authority.",
		"Check that this server reaches the internet, and the directory in the proxy's settings.", false,
	},
}

func explain(text string) Failure {
	lower := strings.ToLower(text)
	shown := strings.Join(strings.Fields(text), " ")
	if len(shown) > maxFailureText {
		shown = strings.ToValidUTF8(shown[:maxFailureText], "") + "…"
	}
	// The authority's client comes first, because its words would match other
	// explanations.
	if strings.Contains(lower, "cannot get acme client") && !strings.Contains(lower, "ratelimited") && !strings.Contains(lower, "contact") && !strings.Contains(lower, "x509:") {
		last := explanations[len(explanations)-1]
		return Failure{Message: last.message, Hint: last.hint, Text: shown}
	}
	for _, known := range explanations {
		if slices.ContainsFunc(known.words, func(word string) bool { return strings.Contains(lower, word) }) {
			return Failure{Message: known.message, Hint: known.hint, Patient: known.patient, Text: shown}
		}
	}
	return Failure{
		Message: "The certificate authority gave no certificate.",
		Hint:    "Its answer is shown below; the proxy asks again.", Text: shown,
	}
}

// String is the form for logs.
func (f Failure) String() string { return fmt.Sprintf("%v: %s", f.Hosts, f.Message) }
