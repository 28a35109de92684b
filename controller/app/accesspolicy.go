package app

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"berth/controller/problem"
)

// maxPolicyBytes is the longest policy: all headers together share 64 KB.
const maxPolicyBytes = 2000

// cspDirectives are the directives of CSP level 3, and a few more that browsers know;
// true if a list of sources follows.
var cspDirectives = map[string]bool{
	"default-src": true, "script-src": true, "script-src-elem": true, "script-src-attr": true,
	"style-src": true, "style-src-elem": true, "style-src-attr": true, "img-src": true, "font-src": true,
	"connect-src": true, "media-src": true, "object-src": true, "frame-src": true, "child-src": true,
	"worker-src": true, "manifest-src": true, "base-uri": true, "form-action": true, "frame-ancestors": true,
	"upgrade-insecure-requests": false, "block-all-mixed-content": false,
}

var (
	cspKeywords = []string{
		"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'", "'unsafe-hashes'", "'strict-dynamic'", "'report-sample'",
	}
	cspHashPattern   = regexp.MustCompile(`^'(sha256|sha384|sha512)-[A-Za-z0-9+/_-]+={0,2}'$`)
	cspSchemePattern = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:$`)
	cspHostPattern   = regexp.MustCompile(`^([a-z][a-z0-9+.-]*://)?(\*|(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)(:([0-9]{1,5}|\*))?(/[A-Za-z0-9._~/%-]*)?$`)
)

// parseCSP returns a content security policy in one spelling. It refuses a policy that a
// browser would ignore: an unknown directive protects nobody.
func parseCSP(text string) (string, error) {
	text = strings.TrimSpace(text)
	if err := checkPolicyText("csp", text); err != nil || text == "" {
		return "", err
	}
	var directives []string
	var seen []string
	for part := range strings.SplitSeq(text, ";") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		name := strings.ToLower(words[0])
		if slices.Contains(seen, name) {
			return "", badPolicy("csp", fmt.Sprintf("The directive %.60q is there twice, and browsers take the first only.", name))
		}
		seen = append(seen, name)
		if err := checkDirective(name, words[1:]); err != nil {
			return "", err
		}
		directives = append(directives, strings.Join(append([]string{name}, words[1:]...), " "))
	}
	return strings.Join(directives, "; "), nil
}

func checkDirective(name string, sources []string) error {
	takesSources, known := cspDirectives[name]
	switch {
	case !known:
		return badPolicy("csp", fmt.Sprintf("%.60q is not a directive that Berth knows.", name))
	case !takesSources && len(sources) > 0:
		return badPolicy("csp", fmt.Sprintf("The directive %s takes nothing behind it.", name))
	case takesSources && len(sources) == 0:
		return badPolicy("csp", fmt.Sprintf("The directive %s has no source behind it: write 'none' to forbid all.", name))
	}
	for _, source := range sources {
		if source == "'none'" && len(sources) > 1 {
			return badPolicy("csp", fmt.Sprintf("The directive %s has 'none' beside other sources.", name))
		}
		if !slices.Contains(cspKeywords, source) && !cspHashPattern.MatchString(source) &&
			!cspSchemePattern.MatchString(source) && !cspHostPattern.MatchString(source) {
			return badPolicy("csp", fmt.Sprintf("%.60q in %s is not a source.", source, name))
		}
	}
	return nil
}

var permissionPattern = regexp.MustCompile(`^([a-z][a-z-]*)=(\*|self|\((( )*(self|src|"https?://[a-z0-9.*-]+(:[0-9]{1,5})?"))*( )*\))$`)

// parsePermissionsPolicy accepts features such as camera=(), geolocation=(self).
func parsePermissionsPolicy(text string) (string, error) {
	text = strings.TrimSpace(text)
	if err := checkPolicyText("permissions_policy", text); err != nil || text == "" {
		return "", err
	}
	var features, seen []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		found := permissionPattern.FindStringSubmatch(part)
		if found == nil {
			return "", badPolicy("permissions_policy", fmt.Sprintf("%.60q is not a feature with whom it is allowed to.", part))
		}
		if slices.Contains(seen, found[1]) {
			return "", badPolicy("permissions_policy", fmt.Sprintf("The feature %s is there twice.", found[1]))
		}
		seen, features = append(seen, found[1]), append(features, part)
	}
	return strings.Join(features, ", "), nil
}

func checkPolicyText(field, text string) error {
	switch {
	case len(text) > maxPolicyBytes:
		return badPolicy(field, fmt.Sprintf("The policy has %d characters, and %d is the most.", len(text), maxPolicyBytes))
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }):
		return badPolicy(field, "The policy has a line end or a character that no header can have.")
	default:
		return nil
	}
}

func badPolicy(field, message string) *problem.Problem {
	hint := "Write it as in default-src 'self'; img-src 'self' https://images.example.com."
	if field == "permissions_policy" {
		hint = "Write it as in camera=(), geolocation=(self), microphone=(self \"https://call.example.com\")."
	}
	return problem.Invalid(message, hint).At(field)
}
