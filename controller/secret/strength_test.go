package secret

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckStrength_RefusesWhatIsEasyToGuess(t *testing.T) {
	for password, reason := range map[string]string{
		"":                                 "fewer than 8",
		"aB3-xyz":                          "fewer than 8",
		"ALLUPPER-2026":                    "no lower-case letter",
		"alllower-2026":                    "no upper-case letter",
		"No-Digits-Here":                   "no digit",
		"NoSigns2026":                      "no sign",
		"nothing":                          "fewer than 8",
		"lowercase":                        "no upper-case letter and no digit and no sign",
		"Password1!":                       "one of the first",
		"!Adm1n-2026":                      "",
		"Admin-2026!":                      "one of the first",
		"Aa1!Aa1!Aa1!":                     "one of the first",
		"aB3-" + strings.Repeat("x", 69):   "longer than 72",
		"aB3-valid-text\xff":               "not valid text",
		"Correct-Horse-7":                  "",
		"Grüße-aus-Köln-9":                 "",
		"xY7 with a space":                 "",
		"aB3-" + strings.Repeat("xyz", 22): "",
	} {
		err := CheckStrength(password)
		if reason == "" {
			if err != nil {
				t.Errorf("%q: %v", password, err)
			}
			continue
		}
		weak, ok := errors.AsType[*WeakError](err)
		if !ok || !strings.Contains(weak.Reason, reason) || weak.Hint == "" {
			t.Errorf("%q: got %v, want %q", password, err, reason)
		}
	}
}

func TestCheckStrength_AcceptsNoOneTimePasswordAsAChoice(t *testing.T) {
	if CheckStrength(NewOneTimePassword()) == nil {
		t.Error("a one-time password could be kept")
	}
}

func FuzzCheckStrength(f *testing.F) {
	f.Add("Correct-Horse-7")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, password string) {
		if CheckStrength(password) == nil && len(password) > MaxPasswordBytes {
			t.Errorf("accepted what HashPassword refuses: %q", password)
		}
	})
}
