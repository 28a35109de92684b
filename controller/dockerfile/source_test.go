package dockerfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/problem/problemtest"
	"berth/test/patience"
)

func TestDockerfile_RefusesRemoteSourcesOfADD(t *testing.T) {
	for _, c := range []struct {
		name, text string
		line       int
	}{
		{"http", "FROM a\nADD http://127.0.0.1:8080/api /x\n", 2},
		{"https", "FROM a\nADD https://example.com/x /x\n", 2},
		{"another scheme", "FROM a\nADD ftp://example.com/x /x\n", 2},
		{"scheme in capitals", "FROM a\nadd HTTP://example.com/x /x\n", 2},
		{"git over ssh", "FROM a\nADD git@github.com:o/r.git /x\n", 2},
		{"git over its own protocol", "FROM a\nADD git://host/r.git /x\n", 2},
		{"git over https with a reference", "FROM a\nADD https://host/r.git#main:sub /x\n", 2},
		{"git without a scheme", "FROM a\nADD github.com/o/r /x\n", 2},
		{"another user's git", "FROM a\nADD u_1@host:r /x\n", 2},
		{"flags", "FROM a\nADD --keep-git-dir=true --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://host/x /x\n", 2},
		{"JSON", "FROM a\nADD [\"http://host/x\", \"/x\"]\n", 2},
		{"second of several", "FROM a\nADD a b http://host/x /x/\n", 2},
		{"quotes", "FROM a\nADD \"http://host/x\" /x\n", 2},
		{"quotes within", "FROM a\nADD ht\"tp:/\"/host/x /x\n", 2},
		{"escapes within", "FROM a\nADD h\\ttp://host/x /x\n", 2},
		{"its own escape", "# escape=`\nFROM a\nADD h`ttp`:`//host/x `\n /x\n", 3},
		{"a line that goes on", "FROM a\nADD \\\n http://host/x \\\n /x\n", 2},
		{"argument with a default", "FROM a\nARG U=http://host/x\nADD $U /x\n", 3},
		{"argument before FROM", "ARG U=http://host/x\nFROM a\nARG U\nADD ${U} /x\n", 4},
		{"variable", "FROM a\nENV U=http://host/x\nADD ${U} /x\n", 3},
		{"half of it in a variable", "FROM a\nENV H=ht\nADD ${H}tp://host/x /x\n", 3},
		{"parts in several", "FROM a\nARG A=http\nENV B=$A:\nADD $B//host/x /x\n", 4},
		{"default of a variable", "FROM a\nADD ${NOT_SET:-http://host/x} /x\n", 2},
		{"variable that only a base can set", "FROM a\nADD $U /x\n", 2},
		{"variable behind an innocent word", "FROM a\nADD me${U} /x\n", 2},
		{"variable of a former stage", "FROM a AS one\nENV U=http://host/x\nFROM one\nADD $U /x\n", 4},
		{"ARG after ENV, as new builders read it", "FROM a\nENV U=file\nARG U=http://host/x\nADD $U /x\n", 4},
		{"ENV before ARG, as old builders read it", "FROM a\nENV U=http://host/x\nARG U=file\nADD $U /x\n", 4},
		{"a stage that is not the last", "FROM a AS b\nADD http://host/x /x\nFROM scratch\nCOPY --from=b /x /x\n", 2},
		{"after a heredoc", "FROM a\nRUN <<EOF\ntrue\nEOF\nADD http://host/x /x\n", 5},
		{"beside a heredoc", "FROM a\nADD <<EOF http://host/x /x/\ntrue\nEOF\n", 2},
		{"ONBUILD", "FROM a\nONBUILD ADD http://host/x /x\n", 2},
		{"ONBUILD with a variable", "FROM a AS b\nENV U=file\nONBUILD ADD $U /x\nFROM b\n", 3},
		{"ONBUILD ENV of a former stage", "FROM a AS b\nONBUILD ENV U=http://host/x\nFROM b\nADD $U /x\n", 4},
		{"the official build program", "# syntax=docker/dockerfile:1\nFROM a\nADD http://host/x /x\n", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, refusal := Read([]byte(c.text), Rules{})
			if refusal == nil {
				t.Fatal("it is accepted")
			}
			problemtest.MustRefuse(t, refusal, "", c.line, "ADD")
			if !strings.Contains(refusal.Hint, "RUN curl") && !strings.Contains(refusal.Hint, "COPY") {
				t.Errorf("the hint is %q", refusal.Hint)
			}
		})
	}
}

func TestDockerfile_AcceptsADDOfWhatIsInTheArchive(t *testing.T) {
	for _, text := range []string{
		"FROM a\nADD . /app\nADD files.tar.gz /\n",
		"FROM a\nARG JAR_FILE=target/*.jar\nADD ${JAR_FILE} app.jar\n",
		"ARG V=1.2\nFROM a\nARG V\nADD app-$V.tgz /\n",
		"FROM a\nADD ./$ANY/of /x\nADD /$ANY /x\n",
		"FROM a\nADD <<EOF /x\nhttp://host/x\nEOF\n",
		"FROM a\nCOPY $ANY /x\n",
		"FROM a\nARG TARGETARCH\nADD app-$TARGETARCH /app\n",
		"FROM a AS b\nONBUILD ADD . /app\nFROM b\n",
		"FROM a\nRUN curl http://host/x\n",
		"FROM a\nARG HTTP_PROXY=http://host\nRUN true\n",
	} {
		if _, refusal := Read([]byte(text), Rules{}); refusal != nil {
			t.Errorf("%q: %v", text, refusal)
		}
	}
}

func TestDockerfile_TellsAllFaultsAtOnce(t *testing.T) {
	_, refusal := Read([]byte("FROM a\nADD http://host/x /x\nRUN --network=host true\nADD https://host/y /y\n"), Rules{})
	if refusal == nil {
		t.Fatal("it is accepted")
	}
	for _, part := range []string{"http://host/x", "Line 3: RUN --network=host", "Line 4: ADD would fetch \"https://host/y\""} {
		if !strings.Contains(refusal.Reason, part) {
			t.Errorf("%q lacks %q", refusal.Reason, part)
		}
	}
	if refusal.Line != 2 || !strings.Contains(refusal.Hint, "RUN curl") || !strings.Contains(refusal.Hint, "Remove --network=host") {
		t.Errorf("got line %d and %q", refusal.Line, refusal.Hint)
	}
}

func TestDockerfile_RefusesSourcesThatAreNoImages(t *testing.T) {
	for name, text := range map[string]string{
		"an address to copy from":    "FROM a\nCOPY --from=https://host/x /a /b\n",
		"an address to mount":        "FROM a\nRUN --mount=type=bind,from=https://host/x,target=/x true\n",
		"an address to begin with":   "FROM https://host/x\n",
		"an unknown base":            "FROM $X\n",
		"another platform":           "FROM --platform=linux/s390x a\n",
		"another platform, hidden":   "ARG P=windows/amd64\nFROM --platform=$P a\n",
		"a secret":                   "FROM a\nRUN --mount=type=secret,id=x cat /run/secrets/x\n",
		"the builder's keys":         "FROM a\nRUN --mount=type=ssh ssh host\n",
		"loopback":                   "FROM 127.0.0.1:5000/a\n",
		"loopback by another number": "FROM 127.1:5000/a\n",
		"loopback by a hexadecimal":  "FROM 0x7f.0.0.1:5000/a\n",
		"loopback in IPv6":           "FROM [::1]:5000/a\n",
		"localhost":                  "FROM localhost/a\n",
		"localhost with a port":      "FROM localhost:5000/a\n",
		"a single word":              "FROM registry:5000/a\n",
		"a private address":          "FROM 10.0.0.1/a\n",
		"a link-local address":       "FROM 169.254.169.254/a\n",
		"a private name":             "FROM registry.corp.internal/a\n",
		"by an argument":             "ARG R=127.0.0.1:5000\nFROM $R/a\n",
		"to copy from":               "FROM a\nCOPY --from=localhost:5000/a /a /b\n",
		"to mount":                   "FROM a\nRUN --mount=from=192.168.1.1/a,target=/x true\n",
		"for a later stage":          "FROM a\nONBUILD COPY --from=localhost:5000/a /a /b\n",
	} {
		if _, refusal := Read([]byte(text), Rules{}); refusal == nil || refusal.Line == 0 || refusal.Hint == "" {
			t.Errorf("%s: got %v", name, refusal)
		}
	}
}

func TestDockerfile_NamesTheImagesThatItReads(t *testing.T) {
	file, refusal := Read([]byte("ARG V=12\nFROM --platform=$BUILDPLATFORM debian:$V AS b\nFROM b\nFROM scratch\nCOPY --from=b / /\nCOPY --from=0 / /\nCOPY --from=ghcr.io/o/x:1 / /\nRUN --mount=from=busybox,target=/x true\n"), Rules{})
	if refusal != nil {
		t.Fatal(refusal)
	}
	if want := []string{"docker.io/library/busybox:latest", "docker.io/library/debian:12", "ghcr.io/o/x:1"}; !slices.Equal(file.Bases, want) {
		t.Errorf("got %q", file.Bases)
	}
}

func TestDockerfile_TakesRegistriesThatTheOperatorNames(t *testing.T) {
	for _, name := range []string{"127.0.0.1:5000", "127.0.0.1"} {
		if _, refusal := Read([]byte("FROM 127.0.0.1:5000/a\n"), Rules{Registries: []string{name}}); refusal != nil {
			t.Errorf("%s: %v", name, refusal)
		}
	}
	if _, refusal := Read([]byte("FROM 127.0.0.1:5001/a\n"), Rules{Registries: []string{"127.0.0.1:5000"}}); refusal == nil {
		t.Error("another port is accepted")
	}
}

func TestDockerfile_CostsLittleHoweverItsVariablesGrow(t *testing.T) {
	double := "FROM a\nENV V0=xxxxxxxx\n"
	for i := range 5000 {
		double += fmt.Sprintf("ENV V%d=$V%d$V%d\n", i+1, i, i)
	}
	many, triggers, stages := "FROM a\n", "FROM a AS s0\n", "FROM a AS s0\n"
	for i := range 8000 {
		many += fmt.Sprintf("ENV V%d=1 W=2\n", i)
		triggers += "ONBUILD RUN x\n"
		stages += fmt.Sprintf("FROM s%d AS s%d\n", i, i+1)
	}
	triggers += strings.Repeat("FROM s0\n", 90)
	for name, text := range map[string]string{
		"doubling": double + "ADD $V5000 /x\n", "many": many + "ADD $NEW /x\n", "triggers": triggers, "stages": stages,
		"a long word": "FROM a\nENV A=http://host/x\nENV B=" + strings.Repeat("$A", 50000) + "\nADD $B /x\n",
		"nested":      "FROM a\nENV A=" + strings.Repeat("x", 500) + "\nENV B=${A//?/${A//?/${A//?/$A}}}\nADD $B /x\n",
	} {
		began := time.Now()
		if _, refusal := Read([]byte(text), Rules{}); refusal == nil {
			t.Errorf("%s: it is accepted", name)
		}
		if took := time.Since(began); took > patience.Of(10*time.Second) {
			t.Errorf("%s: took %s", name, took)
		}
	}
}
