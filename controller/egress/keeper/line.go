package keeper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"sync"
	"time"

	"berth/controller/egress/exit"
)

// answerTimeout is for the exit to take its orders; it starts in a tenth of a second. One
// that ends in the moment in which it is attached to never answers.
const answerTimeout = 3 * time.Second

var (
	errSilent = errors.New("the exit does not answer")
	errEnded  = errors.New("the exit has ended")
)

// line is the controller's side of what it and the exit tell each other.
type line struct {
	stream io.ReadWriteCloser
	ended  chan struct{} // closed when nothing more can come

	mu     sync.Mutex
	serial int64
	told   exit.Orders // the last ones that were answered
	answer chan int64
}

// openLine reads what the exit tells until the stream ends; hear gets each report, and
// gone is called at the end.
func openLine(stream io.ReadWriteCloser, hear func(exit.Report), gone func()) *line {
	l := &line{stream: stream, ended: make(chan struct{}), answer: make(chan int64, 1), serial: time.Now().UnixMicro()}
	go func() {
		defer gone()
		defer close(l.ended)
		lines := bufio.NewScanner(stream)
		lines.Buffer(nil, exit.MostMessage)
		for lines.Scan() {
			var report exit.Report
			if json.Unmarshal(lines.Bytes(), &report) != nil {
				continue
			}
			hear(report)
			if report.Serial != 0 {
				select {
				case l.answer <- report.Serial:
				default:
				}
			}
		}
	}()
	return l
}

func (l *line) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// tell returns once the orders hold. Those that hold already are not sent again.
func (l *line) tell(ctx context.Context, orders exit.Orders) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told.Serial != 0 && reflect.DeepEqual(l.told.Rules, orders.Rules) {
		return nil
	}
	l.serial++
	orders.Serial = l.serial
	text, err := json.Marshal(orders)
	if err != nil {
		return err
	}
	// The line end before ends what a controller was ended in.
	if _, err := l.stream.Write(append(append([]byte{'\n'}, text...), '\n')); err != nil {
		return errors.Join(errEnded, err)
	}
	if err := l.await(ctx, orders.Serial); err != nil {
		return err
	}
	l.told = orders
	return nil
}

func (l *line) await(ctx context.Context, serial int64) error {
	timer := time.NewTimer(answerTimeout)
	defer timer.Stop()
	for {
		select {
		case answered := <-l.answer:
			if answered == serial {
				return nil
			}
		case <-l.ended:
			return errEnded
		case <-timer.C:
			return errSilent
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (l *line) close() { _ = l.stream.Close() }
