package dotenv

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"berth/controller/problem"
)

func TestParse_ReadsWhatPeopleWrite(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"":                                 {},
		"# only a comment\n\n  # and more": {},
		"A=b":                              {"A": "b"},
		"\ufeffA=b\r\nB=c\r\n":             {"A": "b", "B": "c"},
		"export A=b\nexport\tB=c":          {"A": "b", "B": "c"},
		"exported=b":                       {"exported": "b"},
		"export=b":                         {"export": "b"},
		"  A = b  ":                        {"A": "b"},
		"A=":                               {"A": ""},
		"A=''\nB=\"\"":                     {"A": "", "B": ""},
		"A=b=c==":                          {"A": "b=c=="},
		"A=b # comment":                    {"A": "b"},
		"A=b#c":                            {"A": "b#c"},
		"A=#b":                             {"A": "#b"},
		"A= # nothing":                     {"A": ""},
		"A='b # c' # d":                    {"A": "b # c"},
		`A="b # c"# d`:                     {"A": "b # c"},
		`A='b\n"c"'`:                       {"A": `b\n"c"`},
		`A="b\n\t\"c\"\\ \d \$X"`:          {"A": "b\n\t\"c\"\\ \\d $X"},
		"A='b\nc\n'\nB=d":                  {"A": "b\nc\n", "B": "d"},
		"A=\"b\r\n c\"\r\nB=d":             {"A": "b\n c", "B": "d"},
		"A=${HOME}/x\nB=\"$HOME\"":         {"A": "${HOME}/x", "B": "$HOME"},
		`A=it's`:                           {"A": "it's"},
		`A=C:\new`:                         {"A": `C:\new`},
		"A=two words":                      {"A": "two words"},
	} {
		pairs, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		got := make(map[string]string)
		for _, pair := range pairs {
			got[pair.Name] = pair.Value
		}
		if !maps.Equal(got, want) {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

func TestParse_SaysTheLineAndNeverWhatStandsInIt(t *testing.T) {
	for text, line := range map[string]int{
		"hunter2":                          1,
		"A=b\n\n# c\nhunter2":              4,
		"=hunter2":                         1,
		"export =hunter2":                  1,
		"A=b\nB='hunter2\n\nC=d":           2,
		"A=\"hunter2":                      1,
		"A='x\ny' hunter2":                 2,
		"A=hunter2\nB=c\nA=hunter2":        3,
		"A=\"hunter2\\":                    1,
		"A='hunter2\n'\nB='d'\nexport E\n": 4,
	} {
		_, err := Parse(text)
		wrong, ok := errors.AsType[*problem.Refusal](err)
		if !ok || wrong.Line != line || wrong.Hint == "" {
			t.Errorf("%q: got %v, want line %d", text, err, line)
			continue
		}
		if strings.Contains(wrong.Error()+wrong.Hint, "hunter2") {
			t.Errorf("%q: the error tells what stands there: %v", text, wrong)
		}
	}
}

func TestParse_TellsOfReferencesThatItKeeps(t *testing.T) {
	for text, want := range map[string]bool{
		"A=${X}": true, "A=$X": true, `A="a $X"`: true, "A='$X'": false, "A=$5": false, "A=a$": false, "A=b": false, "A=$_x": true,
	} {
		pairs, err := Parse(text)
		if err != nil || len(pairs) != 1 || pairs[0].Reference != want {
			t.Errorf("%q: got %+v, %v", text, pairs, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"A=b", "export A='b\nc' # d", `A="\n\"\\$X"`, "\ufeff\r\n=", "A=\"", "A=b #", "A\x00=\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := Parse(text)
		if err != nil {
			if wrong, ok := errors.AsType[*problem.Refusal](err); !ok || wrong.Line < 1 || wrong.Line > strings.Count(text, "\n")+1 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		var written strings.Builder
		for _, pair := range pairs {
			if strings.ContainsAny(pair.Name, "=\n") || pair.Name == "" {
				t.Fatalf("%q: a name is %q", text, pair.Name)
			}
			if strings.Trim(pair.Name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") != "" {
				return // not one that reads back: it may begin a comment, or be export
			}
			written.WriteString(pair.Name + "=" + quote(pair.Value) + "\n")
		}
		again, err := Parse(written.String())
		if err != nil || len(again) != len(pairs) {
			t.Fatalf("%q, written as %q: %d pairs, then %d, %v", text, written.String(), len(pairs), len(again), err)
		}
		for i := range pairs {
			if again[i].Name != pairs[i].Name || again[i].Value != pairs[i].Value {
				t.Errorf("%q: %+v came back as %+v", text, pairs[i], again[i])
			}
		}
	})
}

// quote writes a value so that Parse gives it back.
func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`).Replace(value) + `"`
}
