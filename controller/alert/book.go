package alert

import (
	"time"

	"berth/controller/alert/channel"
)

// Channel is where messages go, as the ledger keeps it.
type Channel struct {
	ID       int64
	Name     string
	Settings channel.Settings
	Sealed   []byte // its secret, in the ledger's sealing; empty: none

	FailingSince time.Time // a message could not be delivered within its day; zero: none since the last success
	LastAt       time.Time // of the last attempt
	LastError    string    // why it failed; empty: it did not
}

// Outgoing is a message that a channel has not taken yet.
type Outgoing struct {
	ID       int64
	Channel  int64
	Message  channel.Message
	Created  time.Time
	Next     time.Time // not tried before then
	Attempts int
}

// Book is all that a pass reads of the ledger.
type Book struct {
	Rules    []Rule
	Channels []Channel
	States   []State
	Mutes    []Mute
	Cursor   int64 // the last event that was looked at
	Started  bool  // the rules of the start were written
}

// Pass is what a pass leaves in the ledger, in one transaction.
type Pass struct {
	Cursor int64
	States []State // all that there are now
	Ended  []Mute  // that are removed
	Outbox []Outgoing
}

// Reading is the value of a metric now.
type Reading struct {
	Subject Subject
	Value   float64
	Detail  string // one line for people; may be empty
}
