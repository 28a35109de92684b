// Package wire speaks the part of git's protocol that a push needs: lines with their length,
// the references that a server tells, the commands that a client sends, and the answer.
package wire

import (
	"fmt"
	"io"
	"strconv"

	"berth/controller/problem"
)

const (
	lengthBytes = 4
	mostLine    = 65_520 // of a line with its length
)

// Flush ends a list of lines.
const Flush = "0000"

// WriteLine writes one line.
func WriteLine(w io.Writer, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	_, err := fmt.Fprintf(w, "%04x%s", len(text)+lengthBytes, text)
	return err
}

// ReadLine reads one line, without an end of line. It reports false at the end of a list.
func ReadLine(r io.Reader) (text string, more bool, err error) {
	var length [lengthBytes]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return "", false, err
	}
	size, err := strconv.ParseUint(string(length[:]), 16, 16)
	switch {
	case err != nil || size > mostLine || size > 0 && size < lengthBytes:
		return "", false, noGit(fmt.Errorf("a line begins with %q", length[:]))
	case size == 0:
		return "", false, nil
	}
	line := make([]byte, size-lengthBytes)
	if _, err := io.ReadFull(r, line); err != nil {
		return "", false, err
	}
	if end := len(line) - 1; end >= 0 && line[end] == '\n' {
		line = line[:end]
	}
	return string(line), true, nil
}

// noGit is about a request that git does not make.
func noGit(cause error) error {
	return problem.Malformed("The request is not one that git makes.", "Push with git itself.").Because(cause)
}
