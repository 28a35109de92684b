package secret

import (
	"bytes"
	"image/png"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

func TestSharedKey_SurvivesItsURLAndShowsItselfOnlyWhenAsked(t *testing.T) {
	key, err := NewSharedKey("admin")
	if err != nil {
		t.Fatal(err)
	}
	url := key.URL()
	if !strings.HasPrefix(url.Reveal(), "otpauth://totp/Berth:admin?") || url.String() != redacted {
		t.Errorf("URL %q", url.Reveal())
	}
	if text := key.Text().Reveal(); !regexp.MustCompile(`^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$`).MatchString(text) {
		t.Errorf("text %q", text)
	}
	again, err := ParseSharedKey(url)
	if err != nil || again.Text() != key.Text() {
		t.Errorf("read as %v, %v", again, err)
	}
	for _, wrong := range []Text{"", "otpauth://hotp/x?secret=ABCD", "otpauth://totp/x", "https://example.com"} {
		if _, err := ParseSharedKey(wrong); err == nil {
			t.Errorf("read %q", wrong.Reveal())
		}
	}
}

func TestSharedKey_DrawsAPictureThatIsAPNG(t *testing.T) {
	key, _ := NewSharedKey("admin")
	picture, err := key.QR()
	if err != nil {
		t.Fatal(err)
	}
	if image, err := png.Decode(bytes.NewReader(picture)); err != nil || image.Bounds().Dx() != qrPixels {
		t.Errorf("%v", err)
	}
}

func TestMatchCode_TakesOneStepOfSkewAndNoMore(t *testing.T) {
	key, _ := NewSharedKey("admin")
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for steps, wanted := range map[int]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		at := now.Add(time.Duration(steps) * 30 * time.Second)
		step, ok := key.MatchCode(codeAt(t, key, at), now, 0)
		if ok != wanted || ok && step != at.Unix()/30 {
			t.Errorf("%d steps off: %t, step %d", steps, ok, step)
		}
	}
	for _, wrong := range []string{"", "12345", "1234567", "abcdef", "00000\u0660"} {
		if _, ok := key.MatchCode(wrong, now, 0); ok {
			t.Errorf("took %q", wrong)
		}
	}
}

func TestMatchCode_RefusesAStepThatWasUsed(t *testing.T) {
	key, _ := NewSharedKey("admin")
	now := time.Now()
	step, ok := key.MatchCode(codeAt(t, key, now), now, 0)
	if !ok {
		t.Fatal("the right code was refused")
	}
	if _, ok := key.MatchCode(codeAt(t, key, now), now, step); ok {
		t.Error("took the code a second time")
	}
	if _, ok := key.MatchCode(codeAt(t, key, now.Add(-30*time.Second)), now, step); ok {
		t.Error("took a code from before the last one")
	}
	if _, ok := key.MatchCode(codeAt(t, key, now.Add(30*time.Second)), now, step); !ok {
		t.Error("refused the next code")
	}
}

func TestRecoveryCode_HasEightyBitsAndIsReadAsPeopleTypeIt(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		code := NewRecoveryCode()
		if !regexp.MustCompile(`^[2-9A-HJ-NP-Z]{4}(-[2-9A-HJ-NP-Z]{4}){3}$`).MatchString(code) || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
		for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), " " + strings.ReplaceAll(code, "-", " ")} {
			if parsed, ok := ParseRecoveryCode(typed); !ok || parsed != code {
				t.Fatalf("%q was read as %q", typed, parsed)
			}
		}
	}
	for _, wrong := range []string{"", "123456", "7KQ2-M9XA-P4RT", "7KQ2-M9XA-P4RT-W3Z0", "7KQ2-M9XA-P4RT-W3ZD-7"} {
		if _, ok := ParseRecoveryCode(wrong); ok {
			t.Errorf("read %q", wrong)
		}
	}
}

func TestHashRecoveryCode_BelongsToItsPlace(t *testing.T) {
	if HashRecoveryCode("7KQ2", "account 1") == HashRecoveryCode("7KQ2", "account 2") {
		t.Error("the hash can be moved to another account")
	}
}

func codeAt(t *testing.T, key SharedKey, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(key.Text().Reveal(), " ", ""), at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}
