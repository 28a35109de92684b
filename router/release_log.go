package router

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"berth/controller/app"
)

const (
	logOnPage   = 256 << 10       // bytes of the end of a log that a page holds
	logInEvent  = 64 << 10        // bytes in one event
	logPoll     = 2 * time.Second // look again even where no tick came
	logLongLine = 32 << 10        // a line that does not end is shown in parts of this size
)

// logView is the end of a release's log.
type logView struct {
	Lines []string
	Start int   // number of the first line, 0 where lines before it were left out
	End   int64 // bytes of the log up to the end of Lines; where a stream goes on
	Cut   bool  // the beginning was left out
}

// downloadLog gives the whole log as text.
func (a *admin) downloadLog(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	log, err := a.releases.ReleaseLog(id)
	if err != nil {
		return err
	}
	defer log.Close()
	v.attach(fmt.Sprintf("%s-r%d.log", id.App, id.Number))
	if _, err := io.Copy(v.gin.Writer, log); err != nil {
		return fmt.Errorf("send log of %s: %w", id, err)
	}
	return nil
}

// readLogEnd reads whole lines from the end of a log. A release that has not
// begun to write has an empty one.
func (a *admin) readLogEnd(id app.ReleaseID) (logView, error) {
	log, err := a.releases.ReleaseLog(id)
	if isMissing(err) {
		return logView{Start: 1}, nil
	}
	if err != nil {
		return logView{}, err
	}
	defer log.Close()
	size, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return logView{}, fmt.Errorf("measure log of %s: %w", id, err)
	}
	begin := max(0, size-logOnPage)
	if _, err := log.Seek(begin, io.SeekStart); err != nil {
		return logView{}, fmt.Errorf("seek in log of %s: %w", id, err)
	}
	text, err := io.ReadAll(io.LimitReader(log, size-begin))
	if err != nil {
		return logView{}, fmt.Errorf("read log of %s: %w", id, err)
	}
	view := logView{Start: 1, Cut: begin > 0}
	if view.Cut {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	view.End = size - int64(len(text)-whole)
	view.Lines = splitLines(text[:whole])
	return view, nil
}

// logTail reads a log that grows, whole lines at a time.
type logTail struct {
	open   func() (io.ReadSeekCloser, error)
	log    io.ReadSeekCloser
	offset int64 // bytes given out
	held   []byte
}

func (a *admin) tailLog(id app.ReleaseID, offset int64) *logTail {
	return &logTail{
		open:   func() (io.ReadSeekCloser, error) { return a.releases.ReleaseLog(id) },
		offset: offset,
	}
}

// next returns the whole lines that came since, empty where there are none yet.
// With rest it also returns a last line that does not end.
func (t *logTail) next(rest bool) ([]byte, error) {
	if err := t.begin(); err != nil || t.log == nil {
		return nil, err
	}
	buffer := make([]byte, logInEvent-len(t.held))
	n, err := io.ReadFull(t.log, buffer)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read log: %w", err)
	}
	t.held = append(t.held, buffer[:n]...)
	end := bytes.LastIndexByte(t.held, '\n') + 1
	if end == 0 && (rest || len(t.held) >= logLongLine) {
		end = len(t.held)
	}
	out := bytes.Clone(t.held[:end])
	t.held = append(t.held[:0], t.held[end:]...)
	t.offset += int64(end)
	return out, nil
}

// begin opens the log once there is one.
func (t *logTail) begin() error {
	if t.log != nil {
		return nil
	}
	log, err := t.open()
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := log.Seek(t.offset, io.SeekStart); err != nil {
		return fmt.Errorf("seek in log: %w", err)
	}
	t.log = log
	return nil
}

func (t *logTail) close() {
	if t.log != nil {
		_ = t.log.Close()
	}
}

func splitLines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// sendLog writes a log as text, and with follow what comes until the release is final.
func (a *admin) sendLog(v *visit, id app.ReleaseID, follow bool) error {
	writer := http.NewResponseController(v.gin.Writer)
	defer func() { _ = writer.SetWriteDeadline(time.Time{}) }()
	v.gin.Header("Content-Type", "text/plain; charset=utf-8")
	v.gin.Status(http.StatusOK)
	v.gin.Writer.WriteHeaderNow()
	return a.followLog(v, id, follow, func(text []byte) error {
		if len(text) == 0 {
			v.gin.Writer.Flush()
			return nil
		}
		_ = writer.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := v.gin.Writer.Write(text)
		return err
	})
}

// followLog gives a log to write, and with follow what comes until the release is final. An
// empty text says that there is no more for the moment.
func (a *admin) followLog(v *visit, id app.ReleaseID, follow bool, write func(text []byte) error) error {
	ticks, cancel := a.apps.Subscribe(id.App)
	defer cancel()
	tail := a.tailLog(id, 0)
	defer tail.close()
	for {
		// The state is read before the log: what a final release wrote is all there.
		release, err := a.releases.Release(v.context(), id)
		if err != nil {
			return err
		}
		final := !release.State.UnderWay()
		for {
			text, err := tail.next(final)
			if err != nil {
				return err
			}
			if len(text) == 0 {
				break
			}
			if err := write(text); err != nil {
				return err
			}
		}
		if err := write(nil); err != nil {
			return err
		}
		if final || !follow {
			return nil
		}
		select {
		case <-v.context().Done():
			return nil
		case <-ticks:
		case <-time.After(logPoll):
		}
		if !a.tokenHolds(v) {
			return nil
		}
	}
}
