package remote

import (
	"encoding/base64"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"berth/controller/printable"
	"berth/controller/problem"
)

// FieldHostKey is the field that problems of the key of a git host name.
const FieldHostKey = "host_key"

const longestHostKey = 16 << 10

// OverSSH reports whether the source is fetched over SSH, with a deploy key.
func (s Source) OverSSH() bool {
	_, is := parseSSH(s.Address)
	return is
}

// HostOf is the host of an address of a repository, with its port; empty where it is none.
func HostOf(address string) string {
	if at, is := parseSSH(address); is {
		return strings.ToLower(at.host)
	}
	at, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(at.Host)
}

// sshPlace is a repository over SSH.
type sshPlace struct{ user, host, path string }

var (
	shortForm = regexp.MustCompile(`^([A-Za-z0-9._-]+)@([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([^:].*)$`)
	// plainPath needs no quoting inside the quotes of a shell, and is no option of a program.
	plainPath = regexp.MustCompile(`^[A-Za-z0-9/~._+@][A-Za-z0-9/~._+@ -]*$`)
)

// parseSSH reads ssh://git@host:22/path and git@host:path.
func parseSSH(address string) (sshPlace, bool) {
	if len(address) > longestAddress || !printable.Is(address) {
		return sshPlace{}, false
	}
	if short := shortForm.FindStringSubmatch(address); short != nil && !strings.Contains(address, "://") {
		at := sshPlace{short[1], net.JoinHostPort(strings.Trim(short[2], "[]"), "22"), short[3]}
		return at, plainPath.MatchString(at.path) && strings.Trim(at.path, "/") != ""
	}
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "ssh" || at.Hostname() == "" || at.RawQuery != "" || at.ForceQuery || at.Fragment != "" {
		return sshPlace{}, false
	}
	if _, has := at.User.Password(); has {
		return sshPlace{}, false
	}
	found := sshPlace{at.User.Username(), net.JoinHostPort(at.Hostname(), "22"), at.Path}
	if at.Port() != "" {
		found.host = at.Host
	}
	if found.user == "" {
		found.user = tokenUser
	}
	if strings.HasPrefix(found.path, "/~") {
		found.path = found.path[1:]
	}
	return found, plainPath.MatchString(found.path) && strings.Trim(found.path, "/") != ""
}

var fingerprintForm = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

// hostKinds are the kinds of host keys that Berth accepts, the preferred first.
var hostKinds = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA}

// hostAlgorithms are what a host may prove a key of a kind with; of any kind for an empty one.
func hostAlgorithms(kind string) []string {
	var made []string
	for _, one := range hostKinds {
		switch {
		case kind != "" && one != kind:
		case one == ssh.KeyAlgoRSA:
			made = append(made, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			made = append(made, one)
		}
	}
	return made
}

func shownKey(key ssh.PublicKey) string { return key.Type() + " " + ssh.FingerprintSHA256(key) }

// ParseHostKey reads the key of a git host: its fingerprint (SHA256:...), with or without its
// kind in front, or a line of known_hosts. It returns the kind, where that is known, and the
// fingerprint.
func ParseHostKey(text string) (string, error) {
	fault := problem.Invalid("This is not the key of a git host.", "Write its fingerprint, such as ssh-ed25519 SHA256:..., or its line of known_hosts.").At(FieldHostKey)
	words := strings.Fields(text)
	if len(text) > longestHostKey || len(words) == 0 || len(words) > 10 {
		return "", fault
	}
	if last := words[len(words)-1]; fingerprintForm.MatchString(last) && len(words) <= 2 {
		if len(words) == 2 && !slices.Contains(hostKinds, words[0]) {
			return "", fault
		}
		return strings.Join(words, " "), nil
	}
	for at, word := range words[:len(words)-1] {
		if !slices.Contains(hostKinds, word) {
			continue
		}
		blob, err := base64.StdEncoding.DecodeString(words[at+1])
		if err != nil {
			return "", fault.Because(err)
		}
		key, err := ssh.ParsePublicKey(blob)
		if err != nil || key.Type() != word {
			return "", fault.Because(err)
		}
		return shownKey(key), nil
	}
	return "", fault
}

// splitHostKey takes apart what ParseHostKey returned.
func splitHostKey(text string) (kind, fingerprint string) {
	if kind, fingerprint, both := strings.Cut(text, " "); both {
		return kind, fingerprint
	}
	return "", text
}
