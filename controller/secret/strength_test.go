package secret

import (
	"errors"
	"strings"
	"testing"

	"berth/controller/problem"
)

func TestCheckStrength_RefusesWhatIsEasyToGuess(t *testing.T) {
	for password, reason := range map[string]string{
		"":                                  "fewer than 12",
		"aB3-xyz":                           "fewer than 12",
		"Tr0ub4dor&3":                       "fewer than 12",
		"üÜ9-üÜ9-üÜ9":                       "fewer than 12", // 11 characters in 17 bytes
		"ALLUPPER-2026":                     "no lower-case letter",
		"alllower-2026":                     "no upper-case letter",
		"No-Digits-Here":                    "no digit",
		"NoSigns20262":                      "no sign",
		"lowercaseonly":                     "no upper-case letter and no digit and no sign",
		"Password1234!":                     "one of the first",
		"P@$$w0rd2026!!":                    "one of the first",
		"Welcome-2026!":                     "one of the first",
		"Summer-2026-!":                     "one of the first",
		"Letmein-Letmein-1":                 "one of the first",
		"correcthorsebatterystaple":         "one of the first",
		"Correct-Horse-Battery-Staple-1":    "one of the first",
		"passwordpassword":                  "one of the first",
		"AdminPassword1!":                   "one of the first",
		"!Administrator-2026":               "one of the first",
		"Berth-2026-!!":                     "one of the first",
		"Milkcrate-123":                     "one of the first",
		"Johanna-1984!":                     "one of the first", // a name that is given
		"johannajohanna-1984":               "one of the first",
		"Aa1!Aa1!Aa1!":                      "one of the first",
		"aaaaaaaaaaaaaaaa":                  "one of the first",
		"aaaaaaaabbbbbbbb":                  "one of the first",
		"1234567890123456":                  "one of the first",
		"9876543210987654":                  "one of the first",
		"Abcdefghijk-1":                     "one of the first",
		"qwertyuiopasdfgh":                  "one of the first",
		"Qwertzuiop-123":                    "one of the first",
		"1qaz2wsx3edc4rfv":                  "one of the first",
		"1q2w3e4r5t6y7u8i":                  "one of the first",
		"!Adm1n-of-2026":                    "",
		"7391820465519372":                  "",
		"four words in lower case":          "",
		"aB3-" + strings.Repeat("xyz ", 18): "longer than 72",
		"aB3-valid-text\xff":                "not valid text",
		strings.Repeat("é", 37):             "longer than 72",
		"Correct-Horse-7":                   "",
		"Grüße-aus-Köln-9":                  "",
		"xY7 with a space":                  "",
		"aB3-" + strings.Repeat("kme", 22):  "",
	} {
		err := CheckStrength(password, "Johanna")
		if reason == "" {
			if err != nil {
				t.Errorf("%q: %v", password, err)
			}
			continue
		}
		weak, ok := errors.AsType[*problem.Problem](err)
		if !ok || !strings.Contains(weak.Message, reason) || weak.Hint == "" {
			t.Errorf("%q: got %v, want %q", password, err, reason)
		}
	}
}

func TestCheckStrength_AcceptsNoOneTimePasswordAsAChoice(t *testing.T) {
	if CheckStrength(NewOneTimePassword()) == nil {
		t.Error("a one-time password could be kept")
	}
}

func TestCheckStrength_KnowsHundredsOfCommonPasswords(t *testing.T) {
	if len(common) < 500 {
		t.Errorf("the list has %d entries", len(common))
	}
	for word := range common {
		for _, password := range []string{word, strings.ToUpper(word), word + "-2026!", strings.ToUpper(word[:1]) + word[1:] + "123456789!"} {
			if CheckStrength(password) == nil {
				t.Errorf("accepted %q", password)
			}
		}
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
