package app

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"berth/controller/address"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/traefik"
)

// AccessRules are the rules of an app's access other than names and passwords.
type AccessRules struct {
	Allow        []netip.Prefix
	Rate         traefik.Rate
	MaxBodyBytes int64
	Headers      traefik.ResponseHeaders
	// NoSlashRedirect and EncodedPaths are as in traefik.Access.
	NoSlashRedirect bool
	EncodedPaths    traefik.EncodedPaths
}

// AccessForm is AccessRules as a person types them.
type AccessForm struct {
	Allow             string // addresses and ranges, separated by commas, spaces or line ends; empty: everybody
	Rate              string // requests in a period; empty: no limit
	Period            string // second, minute or hour
	Burst             string // requests at once; empty: as many as Rate
	MaxBody           string // MB; empty: no limit
	FrameOptions      string // empty: the app's own, as for the other headers
	ReferrerPolicy    string
	PermissionsPolicy string
	CSP               string
	NoSniff           bool
	NoSlashRedirect   bool
	EncodedPaths      string // one of EncodedPathChoices; empty: by the kind of app
}

// AccessPeriods are the periods of a rate, by name.
var AccessPeriods = map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour}

// The values of each header, in the order of the page.
var (
	FrameOptions     = []string{"DENY", "SAMEORIGIN"}
	ReferrerPolicies = []string{
		"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin", "origin",
		"origin-when-cross-origin", "no-referrer-when-downgrade", "unsafe-url",
	}
)

// EncodedPathChoices are the choices beside the empty one.
var EncodedPathChoices = []string{string(traefik.EncodedNone), string(traefik.EncodedNames), string(traefik.EncodedSlash)}

// ParseAccessRules returns the rules that a person typed, or Problems: one for each wrong
// field, which is allow, rate, burst, max_body, frame_options, referrer_policy,
// permissions_policy, csp or encoded_paths.
func ParseAccessRules(form AccessForm) (AccessRules, error) {
	rules := AccessRules{Headers: traefik.ResponseHeaders{NoSniff: form.NoSniff}, NoSlashRedirect: form.NoSlashRedirect}
	var problems problem.Problems
	var err error
	rules.Allow, err = parseAllowed(form.Allow)
	problems = problems.With(err)
	rules.Rate, err = parseRate(form)
	problems = problems.With(err)
	rules.MaxBodyBytes, err = parseMaxBody(form.MaxBody)
	problems = problems.With(err)
	rules.Headers.FrameOptions, err = parseChoice("frame_options", form.FrameOptions, FrameOptions)
	problems = problems.With(err)
	rules.Headers.ReferrerPolicy, err = parseChoice("referrer_policy", form.ReferrerPolicy, ReferrerPolicies)
	problems = problems.With(err)
	rules.Headers.PermissionsPolicy, err = parsePermissionsPolicy(form.PermissionsPolicy)
	problems = problems.With(err)
	rules.Headers.ContentSecurityPolicy, err = parseCSP(form.CSP)
	problems = problems.With(err)
	rules.EncodedPaths, err = parseEncodedPaths(form.EncodedPaths)
	problems = problems.With(err)
	if len(problems) > 0 {
		return AccessRules{}, problems
	}
	return rules, nil
}

// AccessFormOf returns the rules of an access as a person types them.
func AccessFormOf(access traefik.Access) AccessForm {
	lines := make([]string, 0, len(access.Allow))
	for _, prefix := range access.Allow {
		line := prefix.String()
		if prefix.IsSingleIP() {
			line = prefix.Addr().String()
		}
		lines = append(lines, line)
	}
	form := AccessForm{
		Allow: strings.Join(lines, "\n"), Period: "second",
		FrameOptions: access.Headers.FrameOptions, ReferrerPolicy: access.Headers.ReferrerPolicy,
		PermissionsPolicy: access.Headers.PermissionsPolicy, CSP: access.Headers.ContentSecurityPolicy, NoSniff: access.Headers.NoSniff,
		NoSlashRedirect: access.NoSlashRedirect, EncodedPaths: string(access.EncodedPaths),
	}
	if access.Rate != (traefik.Rate{}) {
		form.Rate, form.Burst = strconv.FormatInt(access.Rate.Requests, 10), strconv.FormatInt(access.Rate.Burst, 10)
		for name, period := range AccessPeriods {
			if period == access.Rate.Period {
				form.Period = name
			}
		}
	}
	if access.MaxBodyBytes > 0 {
		form.MaxBody = strconv.FormatInt(access.MaxBodyBytes/BytesPerMB, 10)
	}
	return form
}

func (r AccessRules) summary() string {
	return fmt.Sprintf("rules: %d ranges of addresses, %d requests in %s and %d at once, bodies of %d MB at most, redirect to the slash %s, encoded characters %s",
		len(r.Allow), r.Rate.Requests, r.Rate.Period, r.Rate.Burst, r.MaxBodyBytes/BytesPerMB, onOff(!r.NoSlashRedirect), cmp.Or(string(r.EncodedPaths), "by the kind of app"))
}

var accessUserPattern = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)

// ParseAccessUser returns s as the name of a user of an app.
func ParseAccessUser(s string) (string, error) {
	if accessUserPattern.MatchString(s) {
		return s, nil
	}
	return "", problem.Invalid(
		fmt.Sprintf("%.60q is not a name for a user.", s),
		"Use 1 to 64 letters, digits and . _ @ -, such as name@example.org.",
	).At("user")
}

// checkAccessPassword applies CheckStrength, and requires ASCII: browsers send other
// letters to a proxy in different ways.
func checkAccessPassword(user string, password secret.Text) error {
	text := password.Reveal()
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return problem.Invalid(
			"The password has characters that browsers do not all send alike.",
			"Use the letters a to z, digits and signs of a keyboard.",
		).At("password")
	}
	return problem.AtField("password", secret.CheckStrength(text, user))
}

// ParseMaintenance returns the maintenance page of an app.
func ParseMaintenance(on bool, text string) (traefik.Maintenance, error) {
	refuse := func(message, hint string) (traefik.Maintenance, error) {
		return traefik.Maintenance{}, problem.Invalid(message, hint).At("text")
	}
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch length := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return refuse("The text has characters that are none.", "Use letters, signs and line ends only.")
	case length > traefik.MaxMaintenanceText:
		return refuse(fmt.Sprintf("The text has %d characters, and %d is the most.", length, traefik.MaxMaintenanceText), "Write less.")
	}
	return traefik.Maintenance{On: on, Text: text}, nil
}

func parseAllowed(text string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, word := range address.SplitList(text) {
		prefix, err := parseRange(word)
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, prefix)
	}
	if len(prefixes) > traefik.MaxAllowed {
		return nil, problem.Invalid(
			fmt.Sprintf("There are %d addresses and ranges, and %d is the most.", len(prefixes), traefik.MaxAllowed),
			"Put neighbours together as a range, such as 192.0.2.0/24.",
		).At("allow")
	}
	return prefixes, nil
}

func parseRange(word string) (netip.Prefix, error) {
	refuse := func(message, hint string, err error) (netip.Prefix, error) {
		return netip.Prefix{}, problem.Invalid(message, hint).At("allow").Because(err)
	}
	prefix, err := address.ParseRange(word)
	switch {
	case err != nil:
		return refuse(fmt.Sprintf("%.60q is not an address.", word), "Write addresses such as 192.0.2.7, or ranges such as 192.0.2.0/24 or 2001:db8::/48.", err)
	case prefix.Addr().Is4In6():
		return refuse(fmt.Sprintf("%.60q is an IPv4 address in disguise.", word), "Write it as IPv4, such as 192.0.2.7.", nil)
	case prefix.Bits() == 0:
		return refuse(fmt.Sprintf("%.60q means everybody.", word), "Leave the field empty to let everybody in.", nil)
	}
	return prefix.Masked(), nil
}

func parseRate(form AccessForm) (traefik.Rate, error) {
	if strings.TrimSpace(form.Rate) == "" {
		return traefik.Rate{}, nil
	}
	period, known := AccessPeriods[form.Period]
	if !known {
		return traefik.Rate{}, problem.Invalid(
			fmt.Sprintf("%.20q is not a period.", form.Period),
			"Choose second, minute or hour.",
		).At("rate")
	}
	number := func(field, text string) (int64, error) {
		return limitField{field, "number of requests", "requests", 1, 1, traefik.MaxRate}.parse(text)
	}
	requests, err := number("rate", form.Rate)
	if err != nil {
		return traefik.Rate{}, err
	}
	burst := requests
	if strings.TrimSpace(form.Burst) != "" {
		if burst, err = number("burst", form.Burst); err != nil {
			return traefik.Rate{}, err
		}
	}
	return traefik.Rate{Requests: requests, Period: period, Burst: burst}, nil
}

func parseMaxBody(text string) (int64, error) {
	if strings.TrimSpace(text) == "" {
		return 0, nil
	}
	return limitField{"max_body", "limit of bodies", "MB", BytesPerMB, BytesPerMB, traefik.MaxBodyLimit}.parse(text)
}

func parseChoice(field, text string, choices []string) (string, error) {
	for _, choice := range append([]string{""}, choices...) {
		if text == choice {
			return text, nil
		}
	}
	return "", problem.Invalid(
		fmt.Sprintf("%.60q is not a value that this header has.", text),
		"Choose one of "+strings.Join(choices, ", ")+", or leave it to the app.",
	).At(field)
}

func parseEncodedPaths(text string) (traefik.EncodedPaths, error) {
	if text == "" || slices.Contains(EncodedPathChoices, text) {
		return traefik.EncodedPaths(text), nil
	}
	return "", problem.Invalid(
		fmt.Sprintf("%.60q is not a choice of encoded characters.", text),
		"Choose none, names or slash, or leave it empty: names for a static site, and none for other apps.",
	).At("encoded_paths")
}
