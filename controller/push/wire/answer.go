package wire

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"berth/controller/push/pack"
)

// Ref is a reference and the object that it names.
type Ref struct {
	Name string
	ID   pack.ID
}

// able is what a server of pushes can do. Without ofs-delta clients would name the base of
// each difference, and without atomic a push of several references could go half.
const able = "report-status delete-refs side-band-64k ofs-delta atomic object-format=sha1 agent=berth"

// Announce begins an answer over HTTP, in front of Advertise.
func Announce(w io.Writer) error {
	if err := WriteLine(w, "# service=git-receive-pack\n"); err != nil {
		return err
	}
	_, err := io.WriteString(w, Flush)
	return err
}

// Advertise tells a client what the server has.
func Advertise(w io.Writer, refs []Ref) error {
	if len(refs) == 0 {
		refs = []Ref{{Name: "capabilities^{}"}}
	}
	for at, ref := range refs {
		extra := ""
		if at == 0 {
			extra = "\x00" + able
		}
		if err := WriteLine(w, "%s %s%s\n", ref.ID, ref.Name, extra); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, Flush)
	return err
}

// Answer is what a client reads while and after it pushes.
type Answer struct {
	request Request
	to      io.Writer
}

// NewAnswer returns the answer to a request. Each write to w should reach the client.
func NewAnswer(w io.Writer, request Request) *Answer { return &Answer{request: request, to: w} }

const (
	bandData, bandProgress = "\x01", "\x02"
	bandBytes              = 60_000 // of one packet
)

// Write shows progress to the person, who sees each line behind "remote:". Nothing to show
// keeps machines between from taking the connection for dead.
func (a *Answer) Write(text []byte) (int, error) {
	if !a.request.Sideband {
		return len(text), nil
	}
	if len(text) == 0 {
		return 0, WriteLine(a.to, bandData)
	}
	for written := 0; written < len(text); {
		part := text[written:min(len(text), written+bandBytes)]
		if err := WriteLine(a.to, "%s%s", bandProgress, part); err != nil {
			return written, err
		}
		written += len(part)
	}
	return len(text), nil
}

// Accept ends the answer: every command was done.
func (a *Answer) Accept() error { return a.end("") }

// Refuse ends the answer: no command was done, for a reason of one line.
func (a *Answer) Refuse(reason string) error {
	return a.end(strings.Join(strings.Fields(reason), " "))
}

func (a *Answer) end(refusal string) error {
	var report strings.Builder
	if a.request.Report {
		if err := writeReport(&report, a.request.Commands, refusal); err != nil {
			return err
		}
	}
	if !a.request.Sideband {
		_, err := io.WriteString(a.to, report.String())
		return err
	}
	for part := range slices.Chunk([]byte(report.String()), bandBytes) {
		if err := WriteLine(a.to, "%s%s", bandData, part); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(a.to, Flush); err != nil {
		return fmt.Errorf("end answer: %w", err)
	}
	return nil
}

const longestReason = 900

func writeReport(w io.Writer, commands []Command, refusal string) error {
	if err := WriteLine(w, "unpack ok\n"); err != nil {
		return err
	}
	for _, command := range commands {
		line := "ok " + command.Ref
		if refusal != "" {
			line = fmt.Sprintf("ng %s %.*s", command.Ref, longestReason, refusal)
		}
		if err := WriteLine(w, "%s\n", line); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, Flush)
	return err
}
