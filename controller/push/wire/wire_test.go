package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"berth/controller/problem"
	"berth/controller/push/pack"
)

var ones = pack.ID(bytes.Repeat([]byte{0x11}, 20))

func sent(lines ...string) *bytes.Buffer {
	var text bytes.Buffer
	for _, line := range lines {
		_ = WriteLine(&text, "%s", line)
	}
	text.WriteString(Flush)
	return &text
}

func TestReadRequest_ReadsCommandsAndLeavesThePack(t *testing.T) {
	zeros := pack.ID{}
	body := sent("shallow "+ones.String(), zeros.String()+" "+ones.String()+" refs/heads/main\x00 report-status side-band-64k agent=git/2.39.5\n", ones.String()+" "+zeros.String()+" refs/heads/old\n")
	body.WriteString("PACK")
	got, err := ReadRequest(body)
	if err != nil || len(got.Commands) != 2 || !got.Report || !got.Sideband {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got.Commands[0] != (Command{New: ones, Ref: "refs/heads/main"}) || got.Commands[0].Deletes() || !got.Commands[1].Deletes() {
		t.Errorf("commands are %+v", got.Commands)
	}
	if rest, _ := io.ReadAll(body); string(rest) != "PACK" {
		t.Errorf("%q is left", rest)
	}
}

func TestReadRequest_RefusesMoreThanItsBounds(t *testing.T) {
	command := ones.String() + " " + ones.String() + " refs/heads/main"
	many, shallow := make([]string, mostCommands+1), make([]string, mostShallow+1)
	for i := range many {
		many[i] = command
	}
	for i := range shallow {
		shallow[i] = "shallow " + ones.String()
	}
	for name, lines := range map[string][]string{"commands": many, "shallow lines": shallow, "no name": {ones.String()}} {
		if _, err := ReadRequest(sent(lines...)); problem.KindOf(err) != problem.KindMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswer_IsReadByAClientWithoutSideband(t *testing.T) {
	var out bytes.Buffer
	answer := NewAnswer(&out, Request{Report: true, Commands: []Command{{Ref: "refs/heads/main"}}})
	if _, err := answer.Write([]byte("never shown")); err != nil {
		t.Fatal(err)
	}
	if err := answer.Refuse("two\nlines"); err != nil {
		t.Fatal(err)
	}
	if want := "000eunpack ok\n0021ng refs/heads/main two lines\n0000"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestAnswer_SplitsALongLog(t *testing.T) {
	var out bytes.Buffer
	answer := NewAnswer(&out, Request{Sideband: true})
	text := strings.Repeat("x", 3*mostLine)
	if n, err := answer.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatal(n, err)
	}
	if _, err := answer.Write(nil); err != nil {
		t.Fatal(err)
	}
	if err := answer.Accept(); err != nil {
		t.Fatal(err)
	}
	var shown string
	for {
		line, more, err := ReadLine(&out)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		if band, part := line[:1], line[1:]; band == bandProgress {
			shown += part
		}
	}
	if shown != text || out.Len() != 0 {
		t.Errorf("%d of %d bytes were shown, %d are left", len(shown), len(text), out.Len())
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add(sent(ones.String() + " " + ones.String() + " refs/heads/main\x00report-status").Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		request, err := ReadRequest(bytes.NewReader(text))
		if _, worded := errors.AsType[*problem.Problem](err); err != nil && !worded {
			t.Errorf("no words for %v", err)
		}
		if len(request.Commands) > mostCommands {
			t.Errorf("%d commands", len(request.Commands))
		}
	})
}
