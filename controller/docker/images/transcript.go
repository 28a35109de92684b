package images

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	moby_buildkit_v1 "github.com/moby/buildkit/api/services/control"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"berth/controller/docker/link"
	"berth/controller/printable"
)

// transcript turns BuildKit's status updates into the lines of a build log:
//
//	#5 [2/3] RUN make
//	#5 0.412 compiling
//	#5 DONE 3.1s
//
// Steps are numbered in the order in which they start. Updates repeat what is
// known already; a transcript says everything once.
type transcript struct {
	line  func(string)
	steps map[string]*step
	order []*step
}

// step is one vertex of the build graph.
type step struct {
	number  int // 0 until it starts
	name    string
	started time.Time
	ended   bool
	failed  bool
	done    map[string]bool    // sub-steps that were reported
	partial map[int64]*partial // by output stream
}

// partial is the start of a line whose end has not come yet.
type partial struct {
	text strings.Builder
	at   time.Time
}

func newTranscript(line func(string)) *transcript {
	return &transcript{line: line, steps: map[string]*step{}}
}

// apply writes what is new in one aux message of the build stream, a
// StatusResponse as protobuf in base64 in JSON.
func (t *transcript) apply(aux json.RawMessage) error {
	var encoded []byte
	if err := json.Unmarshal(aux, &encoded); err != nil {
		return fmt.Errorf("decode build progress: %w", err)
	}
	var status moby_buildkit_v1.StatusResponse
	if err := proto.Unmarshal(encoded, &status); err != nil {
		return fmt.Errorf("decode build progress: %w", err)
	}
	t.write(&status)
	return nil
}

func (t *transcript) write(status *moby_buildkit_v1.StatusResponse) {
	for _, vertex := range status.GetVertexes() {
		t.begin(vertex)
	}
	for _, sub := range status.GetStatuses() {
		t.writeSubStep(sub)
	}
	for _, output := range status.GetLogs() {
		t.writeOutput(output)
	}
	for _, warning := range status.GetWarnings() {
		t.writeWarning(warning)
	}
	// A step's end comes last: one update may hold its output as well.
	for _, vertex := range status.GetVertexes() {
		t.end(vertex)
	}
}

// close writes the lines that never got their end.
func (t *transcript) close() {
	for _, step := range t.order {
		t.flush(step)
	}
}

// find returns the step of a digest, which an update may mention before it names it.
func (t *transcript) find(digest string) *step {
	known, ok := t.steps[digest]
	if !ok {
		known = &step{done: map[string]bool{}, partial: map[int64]*partial{}}
		t.steps[digest] = known
	}
	return known
}

func (t *transcript) begin(vertex *moby_buildkit_v1.Vertex) {
	step := t.find(vertex.GetDigest())
	step.name = vertex.GetName()
	if vertex.GetStarted() == nil {
		return
	}
	// A step that is shared starts again; times count from the first start.
	if step.number == 0 {
		step.started = vertex.GetStarted().AsTime()
		t.announce(step)
	}
}

func (t *transcript) announce(step *step) {
	if step.number != 0 {
		return
	}
	t.order = append(t.order, step)
	step.number = len(t.order)
	t.print(step, printable.Plain(step.name))
}

func (t *transcript) end(vertex *moby_buildkit_v1.Vertex) {
	step := t.find(vertex.GetDigest())
	if reason := vertex.GetError(); reason != "" {
		t.fail(step, reason)
		return
	}
	if step.ended || vertex.GetCompleted() == nil {
		return
	}
	step.ended = true
	t.announce(step)
	t.flush(step)
	if vertex.GetCached() {
		t.print(step, "CACHED")
		return
	}
	t.print(step, "DONE "+seconds(step.started, vertex.GetCompleted()))
}

func (t *transcript) fail(step *step, reason string) {
	if step.failed {
		return
	}
	step.failed, step.ended = true, true
	t.announce(step)
	t.flush(step)
	if strings.Contains(reason, "context canceled") {
		t.print(step, "CANCELED")
		return
	}
	for _, line := range strings.Split(reason, "\n") {
		t.print(step, "ERROR: "+printable.Plain(line))
	}
}

// writeSubStep reports a part of a step, such as a layer that is pulled, once it is complete.
func (t *transcript) writeSubStep(sub *moby_buildkit_v1.VertexStatus) {
	step := t.find(sub.GetVertex())
	name := sub.GetID()
	if name == "" {
		name = sub.GetName()
	}
	if sub.GetCompleted() == nil || step.done[name] {
		return
	}
	step.done[name] = true
	t.announce(step)
	text := printable.Plain(name)
	if total := sub.GetTotal(); total > 0 {
		text += fmt.Sprintf(" %s", byteCount(total))
	}
	if sub.GetStarted() != nil {
		text += " " + seconds(sub.GetStarted().AsTime(), sub.GetCompleted())
	}
	t.print(step, text+" done")
}

// writeOutput writes the whole lines of what a command printed, and keeps the rest.
func (t *transcript) writeOutput(output *moby_buildkit_v1.VertexLog) {
	step := t.find(output.GetVertex())
	t.announce(step)
	held := step.partial[output.GetStream()]
	if held == nil {
		held = &partial{}
		step.partial[output.GetStream()] = held
	}
	rest := string(output.GetMsg())
	for {
		line, tail, whole := strings.Cut(rest, "\n")
		held.add(line, output.GetTimestamp().AsTime())
		if !whole && held.text.Len() < link.PartialLimit {
			return
		}
		t.printOutput(step, held)
		if rest = tail; rest == "" {
			return
		}
	}
}

func (t *transcript) writeWarning(warning *moby_buildkit_v1.VertexWarning) {
	step := t.find(warning.GetVertex())
	t.announce(step)
	t.print(step, "WARN: "+printable.Plain(string(warning.GetShort())))
	for _, detail := range warning.GetDetail() {
		t.print(step, "WARN: "+printable.Plain(string(detail)))
	}
}

func (t *transcript) flush(step *step) {
	for _, stream := range []int64{1, 2} {
		if held := step.partial[stream]; held != nil && held.text.Len() > 0 {
			t.printOutput(step, held)
		}
	}
}

func (t *transcript) printOutput(step *step, held *partial) {
	text := held.text.String()
	held.text.Reset()
	elapsed := 0.0
	if !step.started.IsZero() {
		elapsed = max(0, held.at.Sub(step.started).Seconds())
	}
	t.print(step, fmt.Sprintf("%.3f %s", elapsed, printable.Plain(link.LastDrawn(text))))
}

func (t *transcript) print(step *step, text string) {
	t.line(strings.TrimRight(fmt.Sprintf("#%d %s", step.number, text), " "))
}

func (p *partial) add(text string, at time.Time) {
	if p.text.Len() == 0 {
		p.at = at
	}
	p.text.WriteString(text)
}

func seconds(from time.Time, to *timestamppb.Timestamp) string {
	if from.IsZero() {
		return "0.0s"
	}
	return fmt.Sprintf("%.1fs", max(0, to.AsTime().Sub(from).Seconds()))
}

func byteCount(bytes int64) string {
	switch {
	case bytes >= 1_000_000:
		return fmt.Sprintf("%.1fMB", float64(bytes)/1e6)
	case bytes >= 1_000:
		return fmt.Sprintf("%.1fkB", float64(bytes)/1e3)
	default:
		return fmt.Sprintf("%dB", bytes)
	}
}
