package dockerfile

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/problem/problemtest"
)

func TestDockerfile_AcceptsWhatUsersWrite(t *testing.T) {
	for name, text := range map[string]string{
		"stages":       "ARG GO=1.26\nFROM golang:${GO} AS build\nWORKDIR /src\nCOPY . .\nRUN --mount=type=cache,target=/root/.cache go build -o /app\nFROM scratch\nCOPY --from=build /app /app\nUSER 1000\nEXPOSE 8000\nENTRYPOINT [\"/app\"]\n",
		"continuation": "FROM python:3.11-slim\nRUN pip install \\\n    # a comment\n    flask \\\n    gunicorn\nHEALTHCHECK CMD curl -f localhost\n",
		"heredoc":      "FROM debian\nRUN <<EOF\nsyntax=none\necho hello\nEOF\nLABEL maintainer=me org.example.berth.x=y\n",
		"own escape":   "# escape=`\nFROM scratch\n",
		"no network":   "FROM debian\nRUN --network=none --security=sandbox true\nONBUILD RUN true\n",
		"DOS lines":    "# a comment\r\nFROM scratch\r\nCOPY . /\r\n",
		"a mark":       "\xef\xbb\xbfFROM scratch\n",
		"a comment about syntax, not a directive": "FROM scratch\n# syntax=mine\n",
		"the official build program":              "# syntax=docker/dockerfile:1.7\nFROM scratch\n",
	} {
		if _, refusal := Read([]byte(text), Rules{}); refusal != nil {
			t.Errorf("%s: %v", name, refusal)
		}
	}
}

func TestDockerfile_TellsThePortsOfItsLastStage(t *testing.T) {
	for text, want := range map[string][]uint16{
		"FROM scratch\nEXPOSE 3000 8000/tcp\nEXPOSE 53/udp\n":              {3000, 8000},
		"FROM debian AS a\nEXPOSE 1\nFROM scratch\nexpose 9000\n":          {9000},
		"FROM scratch\nARG PORT=80\nEXPOSE ${PORT} 3000-3005 99999 -1 x\n": nil,
		"FROM scratch\n": nil,
	} {
		file, refusal := Read([]byte(text), Rules{})
		if refusal != nil {
			t.Fatalf("%q: %v", text, refusal)
		}
		if found := file.Exposed(); !slices.Equal(found, want) {
			t.Errorf("%q exposes %v, want %v", text, found, want)
		}
	}
}

func TestDockerfile_RefusesWithTheLine(t *testing.T) {
	for _, c := range []struct {
		name, text string
		line       int
		reason     string
	}{
		{"nothing", "", 1, "no instructions"},
		{"only comments", "# FROM scratch\n", 1, "no instructions"},
		{"no FROM", "ARG A=1\n", 0, "no FROM"},
		{"something before FROM", "RUN true\nFROM scratch\n", 1, "no build stage"},
		{"unknown instruction", "FROM scratch\n\nCOPPY . /\n", 3, "COPPY"},
		{"unknown flag", "FROM scratch\nRUN --privileged true\n", 2, "privileged"},
		{"missing argument", "FROM scratch\nCOPY a\n", 2, "COPY"},
		{"heredoc without an end", "FROM scratch\nRUN <<EOF\ntrue\n", 2, "heredoc"},
		{"foreign syntax line", "# syntax=docker/dockerfile-evil:1\nFROM scratch\n", 1, "syntax line"},
		{"foreign registry in a syntax line", "# syntax=evil.example/docker/dockerfile:1\nFROM scratch\n", 1, "syntax line"},
		{"syntax line with spaces", "#!/bin/x\n#  SyntaX = evil/frontend\nFROM scratch\n", 2, "syntax line"},
		{"syntax line after another comment", "# hello=1\n# syntax=evil\nFROM scratch\n", 2, "syntax line"},
		{"syntax line of the other kind", "//syntax=evil\nFROM scratch\n", 1, "syntax line"},
		{"syntax line behind a mark", "\xef\xbb\xbf#syntax=evil\nFROM scratch\n", 1, "syntax line"},
		{"insecure step", "FROM scratch\nRUN --security=insecure true\n", 2, "--security=insecure would let the build reach the host"},
		{"step on the host's network", "FROM scratch\nRUN true\nrun \\\n --network=host curl localhost\n", 3, "--network=host"},
		{"step with a device", "FROM scratch\nRUN --device=vendor.com/device=all true\n", 2, "--device"},
		{"insecure step for a later stage", "FROM scratch AS a\nONBUILD RUN --security=insecure true\nFROM a\n", 2, "--security=insecure"},
		{"network of the host for a later stage", "FROM scratch AS a\nONBUILD RUN --network=host true\nFROM a\n", 2, "--network=host"},
		{"forged route", "FROM scratch\nLABEL a=b \\\n traefik.http.routers.x.rule=y\n", 2, "traefik.http.routers.x.rule"},
		{"forged owner", "FROM scratch\nLABEL \"Berth.app\"=other\n", 2, "berth.app"},
		{"forged owner for a later stage", "FROM scratch AS a\nONBUILD LABEL berth.app=other\nFROM a\n", 2, "berth.app"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, refusal := Read([]byte(c.text), Rules{})
			if refusal == nil {
				t.Fatal("it is accepted")
			}
			problemtest.MustRefuse(t, refusal, "", c.line, c.reason)
		})
	}
}

// FuzzDockerfile looks for text that the parser cannot take and for danger that
// gets past the check.
func FuzzDockerfile(f *testing.F) {
	for _, seed := range []string{
		"", "FROM scratch", "# syntax=x\nFROM a", "FROM a\nRUN --security=insecure b", "FROM a\nRUN <<EOF\nb\nEOF", "# escape=`\nFROM a\nONBUILD RUN --network=host b",
		"FROM a AS b\nCOPY --from=b [\"c\", \"d\"]", "LABEL a=b c", "ENV a", "FROM a\nHEALTHCHECK --interval=1s CMD x", "\xef\xbb\xbfFROM a", "FROM a\nRUN --mount=type=cache,target=/x y",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, refusal := Read(text, Rules{})
		if refusal == nil {
			return
		}
		if refusal.Line < 0 || refusal.Line > strings.Count(string(text), "\n")+1 {
			t.Errorf("line %d is not one of the file", refusal.Line)
		}
		if !strings.HasSuffix(refusal.Reason, ".") || !strings.HasSuffix(refusal.Hint, ".") {
			t.Errorf("not whole sentences: %q, %q", refusal.Reason, refusal.Hint)
		}
	})
}
