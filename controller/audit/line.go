package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// errLine refuses a line that Line did not make.
var errLine = errors.New("not a line of the audit log")

// lineForm is an entry as audit.log holds it; the fields have the order of the line.
type lineForm struct {
	Timestamp string `json:"timestamp"` // UTC, RFC 3339
	ClientIP  string `json:"client_ip"`
	Action    Action `json:"action"`
	User      string `json:"user"`
	UserAgent string `json:"user_agent"`
	Success   bool   `json:"success"`
	Resource  string `json:"resource"`
	RequestID string `json:"request_id"`
	Detail    string `json:"detail"`
	Sequence  int64  `json:"sequence"`
	Previous  string `json:"previous"`
	Hash      string `json:"hash"`
}

// Timestamp returns the time of the entry in the form of lines.
func (e Entry) Timestamp() string { return e.At.UTC().Format(time.RFC3339Nano) }

// Line returns the entry as one line of JSON with its line end.
func (e Entry) Line() []byte {
	text, err := json.Marshal(lineForm{
		Timestamp: e.Timestamp(), ClientIP: e.Address, Action: e.Action, User: e.Account,
		UserAgent: e.UserAgent, Success: e.Success, Resource: e.Resource, RequestID: e.RequestID, Detail: e.Detail,
		Sequence: e.Sequence, Previous: e.Previous, Hash: e.Hash,
	})
	if err != nil {
		panic(fmt.Sprintf("encode audit entry: %v", err)) // strings, a number and a bool always encode
	}
	return append(text, '\n')
}

// ParseLine reads the result of Line. It refuses every other spelling of the same entry:
// a line must be the same to the byte.
func ParseLine(line []byte) (Entry, error) {
	var l lineForm
	if err := json.Unmarshal(line, &l); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", errLine, err)
	}
	at, err := time.Parse(time.RFC3339Nano, l.Timestamp)
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %w", errLine, err)
	}
	entry := Entry{
		Event: Event{
			At: toMicro(at), Action: l.Action, Resource: l.Resource, Success: l.Success, Account: l.User,
			Address: l.ClientIP, UserAgent: l.UserAgent, RequestID: l.RequestID, Detail: l.Detail,
		},
		Sequence: l.Sequence, Previous: l.Previous, Hash: l.Hash,
	}
	if !bytes.Equal(bytes.TrimSuffix(entry.Line(), []byte("\n")), bytes.TrimSuffix(line, []byte("\n"))) {
		return Entry{}, errLine
	}
	return entry, nil
}
