package exit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"sync"
	"time"

	"berth/controller/pause"
)

const (
	// MostMessage bounds one message in bytes: about 1,000 networks with 200 hosts each.
	MostMessage = 16 << 20
	reportEvery = 250 * time.Millisecond
)

// Orders is what the controller tells: a line of JSON. The last one holds.
type Orders struct {
	Serial int64        `json:"serial"`
	Rules  []Rule       `json:"rules"`
	Never  []netip.Addr `json:"never"` // addresses of this machine, which no app reaches
}

// Report is what the exit tells: a line of JSON.
type Report struct {
	Since   time.Time `json:"since"`            // when the exit began to count
	Serial  int64     `json:"serial,omitempty"` // of the orders that hold from now on; 0 in a report that nobody asked for
	Refused []Refusal `json:"refused,omitempty"`
}

// errDeaf ends an exit that nobody can tell anything.
var errDeaf = errors.New("the controller's orders ended")

// talk is the exit's side of what it and the controller tell each other.
type talk struct {
	exit  *Exit
	in    io.Reader
	since time.Time

	mu  sync.Mutex
	out io.Writer
}

// listen takes orders until there are none. A line that cannot be read is what is left of
// one that a controller was ended in.
func (t *talk) listen() error {
	lines := bufio.NewScanner(t.in)
	lines.Buffer(nil, MostMessage)
	for lines.Scan() {
		var orders Orders
		if len(lines.Bytes()) == 0 || json.Unmarshal(lines.Bytes(), &orders) != nil || orders.Serial == 0 {
			continue
		}
		t.exit.rules.replace(orders.Rules, orders.Never)
		t.exit.book.keepOnly(orders.Rules)
		if err := t.tell(Report{Serial: orders.Serial, Refused: t.exit.book.news(true)}); err != nil {
			return err
		}
	}
	return errors.Join(errDeaf, lines.Err())
}

// report tells of refusals soon after they happened.
func (t *talk) report(ctx context.Context) error {
	for pause.For(ctx, reportEvery) == nil {
		if news := t.exit.book.news(false); len(news) > 0 {
			if err := t.tell(Report{Refused: news}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *talk) tell(report Report) error {
	report.Since = t.since
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err = t.out.Write(append(text, '\n'))
	return err
}
