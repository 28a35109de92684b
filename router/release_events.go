package router

import (
	"strconv"
	"time"

	"berth/controller/app"
)

// streamRelease sends a release's progress: "steps" when it changed, "log" with
// lines as they come, and "done" at the end. The id of a log event is the byte
// of the log after it, so that a reader who lost the stream goes on there.
func (a *admin) streamRelease(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	if _, err := a.releases.Release(v.context(), id); err != nil {
		return err
	}
	progress := &releaseProgress{visit: v, id: id, log: a.tailLog(id, resumeAt(v))}
	defer progress.log.close()
	return a.watch(v, watching{topic: id.App, pause: 50 * time.Millisecond, every: logPoll}, progress.look)
}

// resumeAt is the byte of the log where the reader goes on: after the last event
// it saw, else after what its page holds.
func resumeAt(v *visit) int64 {
	for _, at := range []string{v.request().Header.Get("Last-Event-ID"), v.gin.Query("from")} {
		if offset, err := strconv.ParseInt(at, 10, 64); err == nil && offset >= 0 {
			return offset
		}
	}
	return 0
}

// releaseProgress is what one reader has seen of a release.
type releaseProgress struct {
	visit *visit
	id    app.ReleaseID
	log   *logTail
	shown string
}

// logChunk is a part of a log as the page adds it.
type logChunk struct {
	Lines []string
}

func (p *releaseProgress) look(stream *eventStream) (bool, error) {
	// The state is read before the log: what a final release wrote is all there.
	page, err := p.visit.admin.releasePage(p.visit, p.id)
	if err != nil {
		return false, err
	}
	final := !page.Release.UnderWay
	if err := p.sendLog(stream, final); err != nil {
		return false, err
	}
	steps, err := p.visit.fragment("release", "progress", page)
	if err != nil {
		return false, err
	}
	if steps != p.shown {
		p.shown = steps
		if err := stream.send("steps", "", steps); err != nil {
			return false, err
		}
	}
	if final {
		return true, stream.send("done", "", "")
	}
	return false, nil
}

func (p *releaseProgress) sendLog(stream *eventStream, final bool) error {
	for {
		text, err := p.log.next(final)
		if err != nil || len(text) == 0 {
			return err
		}
		html, err := p.visit.fragment("release", "log-lines", logChunk{Lines: splitLines(text)})
		if err != nil {
			return err
		}
		if err := stream.send("log", strconv.FormatInt(p.log.offset, 10), html); err != nil {
			return err
		}
	}
}
