package dockerfile

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/problem"
)

func TestSecretMount_TakesASecretOfTheAppByItsName(t *testing.T) {
	rules := Rules{Secrets: []string{"NPM_TOKEN", "npmrc", "OTHER"}}
	file, refusal := Read([]byte("FROM a\nRUN --mount=type=secret,id=NPM_TOKEN x\nRUN --mount=type=secret,target=/root/npmrc --mount=type=secret,id=NPM_TOKEN,required=true,target=/t y\n"), rules)
	if refusal != nil || !slices.Equal(file.Secrets, []string{"NPM_TOKEN", "npmrc"}) {
		t.Errorf("secrets %v, %v", file.Secrets, refusal)
	}
}

func TestSecretMount_RefusesWhatTheAppDoesNotHaveAndAsksForIt(t *testing.T) {
	rules := Rules{Secrets: []string{"OTHER"}}
	for text, variable := range map[string]string{
		"FROM a\nRUN --mount=type=secret,id=NPM_TOKEN x\n":                                "NPM_TOKEN",
		"FROM a\nRUN --mount=type=secret,id=other x\n":                                    "other",
		"FROM a\nRUN --mount=type=secret,id=github-token x\n":                             "",
		"FROM a\nARG X=OTHER\nRUN --mount=type=secret,id=$X x\n":                          "",
		"FROM a\nRUN --mount=type=ssh x\n":                                                "",
		"FROM a\nONBUILD RUN --mount=type=secret,id=OTHER x\n":                            "OTHER",
		"FROM a AS one\nONBUILD RUN --mount=type=secret,id=OTHER x\nFROM one\nRUN true\n": "OTHER",
	} {
		file, refusal := Read([]byte(text), rules)
		if refusal == nil || refusal.Line == 0 || refusal.Hint == "" || refusal.Variable() != variable || len(file.Secrets) > 0 && !strings.Contains(text, "ONBUILD") {
			t.Errorf("%q: got %+v", text, refusal)
		}
	}
}

func TestSecretMount_NoImageAsksForASecretByItsTriggers(t *testing.T) {
	rules := Rules{Secrets: []string{"OTHER"}, Bases: map[string]Base{"docker.io/library/a:latest": {Triggers: []string{"RUN --mount=type=secret,id=OTHER cat /run/secrets/OTHER"}}}}
	if _, refusal := Read([]byte("FROM a\n"), rules); refusal == nil {
		t.Error("the image of somebody else reads a secret of the app")
	}
}

func TestArguments_AreThoseThatTheFileDeclares(t *testing.T) {
	text := "ARG BASE=a\nFROM $BASE\nARG ONE TWO=2\nONBUILD ARG THREE\nENV FOUR=4\nFROM a\narg ONE\n"
	if got := Arguments([]byte(text)); !slices.Equal(got, []string{"BASE", "ONE", "TWO"}) {
		t.Errorf("got %v", got)
	}
	if got := Arguments([]byte("NONSENSE")); got != nil {
		t.Errorf("of no Dockerfile: %v", got)
	}
}

func TestSecretMount_AllMissingOnesAreAskedForAtOnce(t *testing.T) {
	_, refusal := Read([]byte("FROM a\nRUN --mount=type=secret,id=ONE x\nRUN --mount=type=secret,id=TWO --mount=type=secret,id=THREE y\n"), Rules{})
	if refusal == nil {
		t.Fatal("it was taken")
	}
	if names := (problem.Refusals{refusal}).Variables(); !slices.Equal(names, []string{"ONE", "TWO", "THREE"}) {
		t.Errorf("asks for %v: %s", names, refusal.Reason)
	}
}
