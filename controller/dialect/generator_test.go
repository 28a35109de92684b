package dialect

import (
	"encoding/base64"
	"regexp"
	"testing"
)

func TestGenerator_MakesValuesOfItsKind(t *testing.T) {
	for kind, pattern := range map[Kind]string{
		KindPassword: `^[A-Za-z0-9]{40}$`,
		KindSymbols:  `^[A-Za-z0-9._~-]{40}$`,
		KindHex:      `^[0-9a-f]{40}$`,
		KindUserName: `^[a-z][a-z0-9]{39}$`,
		KindEmail:    `^[a-z][a-z0-9]{9}@example\.com$`,
		KindUUID:     `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		KindPort:     `^[1-9][0-9]{3,4}$`,
		KindMillis:   `^[0-9]{13}$`,
		KindSeconds:  `^[0-9]{10}$`,
		KindScheme:   `^https$`,
	} {
		first, err := Generator{kind, 40}.Generate()
		if err != nil || !regexp.MustCompile(pattern).MatchString(first) {
			t.Errorf("%s made %q, %v", kind, first, err)
		}
		if second, _ := (Generator{kind, 40}).Generate(); kind.secret() && second == first {
			t.Errorf("%s made %q twice", kind, first)
		}
	}
	encoded, err := Generator{KindBase64, 33}.Generate()
	if raw, wrong := base64.StdEncoding.DecodeString(encoded); err != nil || wrong != nil || len(raw) != 33 {
		t.Errorf("base64 made %q, %v, %v", encoded, err, wrong)
	}
	if odd, _ := (Generator{KindHex, 7}).Generate(); len(odd) != 7 {
		t.Errorf("hex of 7 made %q", odd)
	}
}

func TestGenerator_RefusesLengthsAndKindsOutOfBounds(t *testing.T) {
	for _, g := range []Generator{{KindPassword, -1}, {KindPassword, MaxLength + 1}, {KindHost, 0}, {KindToken, 0}, {"other", 5}} {
		if value, err := g.Generate(); err == nil {
			t.Errorf("%+v made %q", g, value)
		}
	}
}
