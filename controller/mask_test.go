package controller

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
)

const (
	password = `p@ss/w"ord+4711 ü`
	keyText  = "-----BEGIN KEY-----\nMIIBVgIBADANBgkqh\nkiG9w0BAQEFAASCAT\n-----END KEY-----\n"
)

func TestMask_HidesASecretInEveryFormThatProgramsPrint(t *testing.T) {
	t.Parallel()
	m := environment.NewMask(map[string]string{"DB": password, "KEY": keyText, "SHORT": "abc", "EMPTY": ""})
	quoted, _ := json.Marshal(map[string]string{"password": password, "key": keyText})
	for name, printed := range map[string]string{
		"itself":            "connect " + password + "!",
		"JSON":              string(quoted),
		"Go":                fmt.Sprintf("%q", map[string]string{"p": password, "k": keyText}),
		"a URL":             "postgres://user:" + url.QueryEscape(password) + "@db/x",
		"a path of a URL":   "/login/" + url.PathEscape(password),
		"base64":            base64.StdEncoding.EncodeToString([]byte(password)),
		"base64 for URLs":   base64.URLEncoding.EncodeToString([]byte(password)),
		"basic auth":        "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+password)),
		"basic auth by two": base64.StdEncoding.EncodeToString([]byte("ab" + password + "xyz")),
		"base64 of a key":   base64.StdEncoding.EncodeToString([]byte(keyText)),
	} {
		masked := m.Apply(printed)
		if !strings.Contains(masked, "[secret ") {
			t.Errorf("%s is not masked: %q", name, masked)
		}
		for _, part := range []string{password, "p@ss", "4711", "kiG9w0", base64.StdEncoding.EncodeToString([]byte(password))[3:20]} {
			if strings.Contains(masked, part) {
				t.Errorf("%s still holds %q: %q", name, part, masked)
			}
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(keyText), "\n") {
		if got := m.Apply("  " + line); got != "  [secret KEY]" {
			t.Errorf("line %d of a key: %q", i+1, got)
		}
	}
	if got := m.Apply("abc and nothing else"); got != "abc and nothing else" {
		t.Errorf("%q", got)
	}
}

func TestMask_HidesTheLongerOfTwoSecrets(t *testing.T) {
	t.Parallel()
	m := environment.NewMask(map[string]string{"A": "hunter", "B": "hunter2-and-more"})
	if got := m.Apply("hunter2-and-more hunter2"); got != "[secret B] [secret A]2" {
		t.Errorf("%q", got)
	}
}

func TestMask_HidesWhatIsSplitWhereALongLineIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 64<<10)
	m := environment.NewMask(map[string]string{"DB": password})
	for cut := 1; cut < len(password); cut++ {
		var seen []string
		each := m.Lines(func(line docker.Line) error { seen = append(seen, line.Text); return nil })
		for _, line := range []docker.Line{
			{Text: long + password[:cut]}, {Text: "of another output", Stderr: true}, {Text: password[cut:] + " and on"},
		} {
			if err := each(line); err != nil {
				t.Fatal(err)
			}
		}
		if seen[0] != long+"[secret DB]" || seen[1] != "of another output" || seen[2] != "[secret DB] and on" {
			t.Errorf("cut at %d: %q, %q, %q", cut, seen[0][len(long):], seen[1], seen[2])
		}
	}
}

func TestMask_LeavesShortLinesThatEndLikeASecretBegins(t *testing.T) {
	t.Parallel()
	var lines environment.MaskedLines
	m := environment.NewMask(map[string]string{"DB": password})
	if got := lines.Next(m, "what a p"); got != "what a p" {
		t.Errorf("%q", got)
	}
}

func TestMask_OfNothingIsNothing(t *testing.T) {
	t.Parallel()
	if m := environment.NewMask(map[string]string{"A": "abc"}); m != nil {
		t.Errorf("got %+v", m)
	}
	var m *environment.Mask
	if m.Apply("x") != "x" || new(environment.MaskedLines).Next(m, "x") != "x" {
		t.Error("the nil mask changes text")
	}
}

func BenchmarkMask_LineWithTheMostSecrets(b *testing.B) {
	secrets := make(map[string]string)
	for i := range app.MaxVariables {
		secrets[fmt.Sprintf("S%d", i)] = strings.Repeat(fmt.Sprintf("%x-", i*7919), 200)
	}
	m := environment.NewMask(secrets)
	line := strings.Repeat("2026-11-22 GET /path?x=1 200 in 3 ms ", 4)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		m.Apply(line)
	}
}

func BenchmarkMask_MakeForTheMostSecrets(b *testing.B) {
	secrets := make(map[string]string)
	for i := range app.MaxVariables {
		secrets[fmt.Sprintf("S%d", i)] = strings.Repeat(fmt.Sprintf("%x-", i*7919), 200)
	}
	for b.Loop() {
		environment.NewMask(secrets)
	}
}
