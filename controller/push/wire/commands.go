package wire

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"berth/controller/problem"
	"berth/controller/push/pack"
)

// Command is the wish to move a reference. A zero ID is no object.
type Command struct {
	Old, New pack.ID
	Ref      string // such as refs/heads/main; whatever the client wrote
}

// Deletes reports whether the reference is to go.
func (c Command) Deletes() bool { return c.New == pack.ID{} }

// Request is what stands in front of the pack of a push.
type Request struct {
	Commands []Command
	Sideband bool // the client reads progress beside the answer
	Report   bool // the client reads what became of its commands
}

const (
	mostCommands = 100
	mostShallow  = 1000 // lines about where the client's history is cut
)

// ReadRequest reads the commands. A client that asks only whether it is let in sends none.
func ReadRequest(r io.Reader) (Request, error) {
	var request Request
	for shallow := 0; ; {
		line, more, err := ReadLine(r)
		switch {
		case err != nil:
			return Request{}, cut(err)
		case !more:
			return request, nil
		}
		if strings.HasPrefix(line, "shallow ") {
			if shallow++; shallow > mostShallow {
				return Request{}, noGit(errors.New("too many shallow lines"))
			}
			continue
		}
		if err := request.add(line); err != nil {
			return Request{}, err
		}
	}
}

// add reads a command, and what the client can do behind the first one.
func (r *Request) add(line string) error {
	line, able, _ := strings.Cut(line, "\x00")
	if len(r.Commands) == 0 {
		words := strings.Fields(able)
		r.Sideband = slices.Contains(words, "side-band-64k")
		r.Report = slices.Contains(words, "report-status")
	}
	if len(r.Commands) == mostCommands {
		return problem.Malformed(fmt.Sprintf("A push moves at most %d references.", mostCommands), "Push one branch alone.")
	}
	words := strings.SplitN(line, " ", 3)
	if len(words) != 3 {
		return noGit(fmt.Errorf("a command of %d words", len(words)))
	}
	before, err := pack.ParseID(words[0])
	if err != nil {
		return noGit(err)
	}
	after, err := pack.ParseID(words[1])
	if err != nil {
		return noGit(err)
	}
	r.Commands = append(r.Commands, Command{Old: before, New: after, Ref: words[2]})
	return nil
}

// cut words the end of a request before its end.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return noGit(err)
	}
	return err
}
