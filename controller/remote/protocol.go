package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/push/wire"
)

// Bounds on what a git host tells before a pack.
const (
	mostRefs     = 32 << 20 // bytes; a host without version 2 tells all references
	mostSections = 1000     // lines between the parts of an answer
	bandsAbove   = 32 << 20 // bytes beside a pack: progress, and the frames of packets
)

const heads = "refs/heads/"

// What Berth asks of every git host.
const (
	agent     = "agent=berth"
	capMany   = "side-band-64k"
	capDeltas = "ofs-delta"
	capQuiet  = "no-progress"
	capCut    = "shallow"
)

// tip asks where the branch ends. A host that speaks version 2 tells the one reference;
// another one tells all of them.
func (t *talk) tip(ctx context.Context) (commit pack.ID, modern bool, err error) {
	body, err := t.ask(ctx, pathRefs, nil, true)
	if err != nil {
		return pack.ID{}, false, err
	}
	defer func() { _ = body.Close() }()
	refs := io.LimitReader(body, mostRefs)
	line, err := readGreeting(refs)
	if err != nil {
		return pack.ID{}, false, err
	}
	switch line {
	case "version 2":
		commit, err = t.listOne(ctx)
		return commit, true, err
	case "":
		return pack.ID{}, false, noBranch(t.source.Branch) // an empty repository
	}
	commit, err = t.findIn(refs, line)
	return commit, false, err
}

// readGreeting returns the first line behind the name of the service; empty where there is
// none.
func readGreeting(refs io.Reader) (string, error) {
	line, _, err := readText(refs)
	if err != nil || !strings.HasPrefix(line, "# service=") {
		return line, err
	}
	if _, _, err := readText(refs); err != nil { // the end of that list
		return "", err
	}
	line, _, err = readText(refs)
	return line, err
}

// listOne asks for the one reference, with version 2 of the protocol.
func (t *talk) listOne(ctx context.Context) (pack.ID, error) {
	var request bytes.Buffer
	writeLines(&request, "command=ls-refs", agent)
	request.WriteString(wire.Delimit)
	writeLines(&request, "ref-prefix "+heads+t.source.Branch)
	request.WriteString(wire.Flush)
	body, err := t.ask(ctx, pathUpload, request.Bytes(), true)
	if err != nil {
		return pack.ID{}, err
	}
	defer func() { _ = body.Close() }()
	return t.findIn(io.LimitReader(body, mostRefs), "")
}

// findIn looks for the branch in a list of references, whose first line may have been read.
func (t *talk) findIn(refs io.Reader, line string) (pack.ID, error) {
	for {
		told, able, isFirst := strings.Cut(line, "\x00")
		if isFirst && !slices.Contains(strings.Fields(able), capMany) {
			return pack.ID{}, noGit("The git host is too old for Berth: it does not have "+capMany+".", nil)
		}
		if name, ref, _ := strings.Cut(told, " "); ref == heads+t.source.Branch {
			id, err := pack.ParseID(name)
			if err != nil {
				return pack.ID{}, noGit("The git host names a commit in a form that Berth does not read.", err)
			}
			return id, nil
		}
		var kind wire.Kind
		var err error
		if line, kind, err = readText(refs); err != nil {
			return pack.ID{}, err
		}
		if kind != wire.Line {
			return pack.ID{}, noBranch(t.source.Branch)
		}
	}
}

// fetch asks for one commit without its history, and returns the pack.
func (t *talk) fetch(ctx context.Context, commit pack.ID, modern bool, most int64) (io.ReadCloser, error) {
	request := requestOld(commit)
	if modern {
		request = requestModern(commit)
	}
	body, err := t.ask(ctx, pathUpload, request, modern)
	if err != nil {
		return nil, err
	}
	sent := &bands{from: io.LimitReader(body, most+bandsAbove), body: body}
	if err := sent.begin(modern); err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return sent, nil
}

func requestModern(commit pack.ID) []byte {
	var request bytes.Buffer
	writeLines(&request, "command=fetch", agent)
	request.WriteString(wire.Delimit)
	writeLines(&request, capDeltas, capQuiet, "want "+commit.String(), "deepen 1", "done")
	request.WriteString(wire.Flush)
	return request.Bytes()
}

func requestOld(commit pack.ID) []byte {
	var request bytes.Buffer
	writeLines(&request, fmt.Sprintf("want %s %s %s %s %s %s", commit, capMany, capDeltas, capCut, capQuiet, agent), "deepen 1")
	request.WriteString(wire.Flush)
	writeLines(&request, "done")
	return request.Bytes()
}

// writeLines writes lines of a request. A buffer never fails.
func writeLines(to *bytes.Buffer, lines ...string) {
	for _, line := range lines {
		_ = wire.WriteLine(to, "%s\n", line)
	}
}

// readText reads a packet of text. What the git host refuses is a Problem.
func readText(r io.Reader) (text string, kind wire.Kind, err error) {
	content, kind, err := wire.ReadPacket(r)
	if err != nil {
		return "", kind, err
	}
	text = strings.TrimSuffix(string(content), "\n")
	if reason, refused := strings.CutPrefix(text, "ERR "); refused {
		return "", kind, refusedByHost(reason)
	}
	return text, kind, nil
}

func refusedByHost(reason string) error {
	return problem.Invalid("The git host refuses: "+printable.Name(reason, shown)+".", "Check the address of the repository and its token.")
}

// bands reads the pack out of an answer, which has progress and errors beside it.
type bands struct {
	from io.Reader
	body io.Closer
	rest []byte // of a packet of the pack
}

// The bands of an answer, by the first byte of a packet.
const (
	bandPack     = 1
	bandProgress = 2
	bandError    = 3
)

// begin reads up to the pack.
func (b *bands) begin(modern bool) error {
	for range mostSections {
		line, kind, err := readText(b.from)
		switch {
		case err != nil:
			return err
		case modern && kind == wire.End:
			return noGit("The git host sends no files.", nil)
		case kind != wire.Line: // the end of what it tells about the history
		case modern && line == "packfile", !modern && line == "NAK":
			return nil
		}
	}
	return noGit("The git host sends no files.", nil)
}

// Read reads the pack.
func (b *bands) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		content, kind, err := wire.ReadPacket(b.from)
		switch {
		case errors.Is(err, io.EOF):
			return 0, io.ErrUnexpectedEOF // the list has no end
		case err != nil:
			return 0, err
		case kind != wire.Line:
			return 0, io.EOF
		case len(content) == 0:
			return 0, wire.ErrPacket
		}
		switch content[0] {
		case bandPack:
			b.rest = content[1:]
		case bandProgress:
		case bandError:
			return 0, refusedByHost(strings.TrimSpace(string(content[1:])))
		default:
			return 0, wire.ErrPacket
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close ends the answer.
func (b *bands) Close() error { return b.body.Close() }
