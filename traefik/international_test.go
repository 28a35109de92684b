package traefik

import (
	"errors"
	"strings"
	"testing"
)

func TestParseHost_TakesInternationalNamesAndShowsBothForms(t *testing.T) {
	for typed, want := range map[string]string{
		"bücher.example":     "xn--bcher-kva.example",
		"BÜCHER.example":     "xn--bcher-kva.example",
		"faß.example":        "xn--fa-hia.example",
		"例え.テスト":             "xn--r8jz45g.xn--zckzah",
		"пример.рф":          "xn--e1afmkfd.xn--p1ai",
		"παράδειγμα.example": "xn--hxajbheg2az3al.example",
	} {
		host, err := ParseHost(typed)
		if err != nil || string(host) != want {
			t.Errorf("%s: got %q, %v, want %q", typed, host, err, want)
			continue
		}
		if again, err := ParseHost(string(host)); err != nil || again != host {
			t.Errorf("%s does not read back: %q, %v", host, again, err)
		}
		if both := host.Both(); both != strings.ToLower(typed)+" ("+want+")" {
			t.Errorf("%s is shown as %q", host, both)
		}
	}
	if both := Host("app.example.com").Both(); both != "app.example.com" {
		t.Errorf("an ASCII name is shown as %q", both)
	}
}

func TestParseHost_RefusesEachAttackByName(t *testing.T) {
	for attack, c := range map[string]struct{ typed, reason string }{
		"rule injection":                    {"a`) || Host(`b", "read as part of a rule"},
		"template of the proxy":             {`{{ env "PATH" }}`, "read as part of a rule"},
		"wildcard":                          {"*.com", "wildcard"},
		"trailing dot":                      {"example.com.", "ends in a dot"},
		"three hundred bytes":               {strings.Repeat("a.", 149) + "c", "253 is the most"},
		"single label":                      {"localhost", "single word"},
		"address":                           {"169.254.169.254", "is an address"},
		"address in hexadecimal":            {"0x7f.0.0.0x1", "is an address"},
		"port":                              {"example.com:8443", "not a domain name"},
		"the name of verify routes":         {"r1.a.berth.internal", "belongs to Berth"},
		"Cyrillic letter in a Latin name":   {"exаmple.com", "mixes letters"},
		"the same in its xn-- form":         {"xn--exmple-4nf.com", "mixes letters"},
		"Greek letter in a Latin name":      {"gοogle.com", "mixes letters"},
		"symbol":                            {"☃.example.com", "no domain name can have"},
		"zero-width joiner":                 {"ex\u200dample.com", "no domain name can have"},
		"right-to-left override":            {"ex\u202eample.com", "no domain name can have"},
		"fraction slash":                    {"example.com⁄evil.example", "no domain name can have"},
		"long in its xn-- form":             {strings.Repeat("ü", 60) + ".com", "not a domain name"},
		"line feed":                         {"example.com\nHost: b", "not a domain name"},
		"xn-- form of what is ASCII anyway": {"xn--example-.com", "stands for no name"},
	} {
		_, err := ParseHost(c.typed)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(invalid.Reason, c.reason) || invalid.Hint == "" {
			t.Errorf("%s: %q gave %v, want a refusal that says %q", attack, c.typed, err, c.reason)
		}
	}
}

func TestLooksLike_FindsWhatPeopleWouldTakeForTheOther(t *testing.T) {
	for _, typed := range []string{
		"adrnin.example.com", "admin.examp1e.com", "admin.exannple.com", "ádmin.example.com", "admin.exaṃple.com", "admin.exampłe.com", "adмin.example.com",
	} {
		host, err := ParseHost(typed)
		if err != nil {
			if strings.Contains(err.Error(), "mixes") {
				continue // refused before anybody has to compare it
			}
			t.Fatal(err)
		}
		if want := typed != "admin.exannple.com"; host.LooksLike("admin.example.com") != want {
			t.Errorf("%s: LooksLike is %v", typed, !want)
		}
	}
	whole, err := ParseHost("аррӏе.com") // Cyrillic from end to end
	if err != nil || !whole.LooksLike("apple.com") {
		t.Errorf("%q does not look like apple.com: %v", whole, err)
	}
	if Host("admin.example.com").LooksLike("admin.example.com") || Host("app.example.com").LooksLike("admin.example.com") {
		t.Error("a host looks like itself, or like any")
	}
}
