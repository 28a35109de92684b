// Package wire speaks the part of git's protocol that a push needs: packets with their length,
// the references that a server tells, the commands that a client sends, and the answer.
package wire

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"berth/controller/problem"
)

const (
	lengthBytes = 4
	mostLine    = 65_520 // of a line with its length
)

// Flush ends a list of lines.
const Flush = "0000"

// ErrPacket is about bytes that are no packet.
var ErrPacket = errors.New("not a packet of git")

// WriteLine writes one line.
func WriteLine(w io.Writer, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	_, err := fmt.Fprintf(w, "%04x%s", len(text)+lengthBytes, text)
	return err
}

// Kind is what a packet is.
type Kind uint8

// The kinds of packets.
const (
	Line      Kind = iota
	End            // of a list
	Delimiter      // between two parts of a list
)

// Delimit is the packet between two parts of a list.
const Delimit = "0001"

// ReadPacket reads one packet, whose content may be any bytes.
func ReadPacket(r io.Reader) (content []byte, kind Kind, err error) {
	var length [lengthBytes]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, Line, err
	}
	size, err := strconv.ParseUint(string(length[:]), 16, 16)
	switch {
	case err != nil || size > mostLine || size > 1 && size < lengthBytes:
		return nil, Line, fmt.Errorf("%w: it begins with %q", ErrPacket, length[:])
	case size == 0:
		return nil, End, nil
	case size == 1:
		return nil, Delimiter, nil
	}
	content = make([]byte, size-lengthBytes)
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, Line, err
	}
	return content, Line, nil
}

// ReadLine reads one line, without an end of line. It reports false at the end of a list.
func ReadLine(r io.Reader) (text string, more bool, err error) {
	content, kind, err := ReadPacket(r)
	switch {
	case errors.Is(err, ErrPacket), err == nil && kind == Delimiter:
		return "", false, noGit(err)
	case err != nil || kind == End:
		return "", false, err
	}
	return strings.TrimSuffix(string(content), "\n"), true, nil
}

// noGit is about a request that git does not make.
func noGit(cause error) error {
	return problem.Malformed("The request is not one that git makes.", "Push with git itself.").Because(cause)
}
