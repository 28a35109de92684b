package images

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	moby_buildkit_v1 "github.com/moby/buildkit/api/services/control"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"berth/controller/docker/link"
)

var began = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

func at(milliseconds int) *timestamppb.Timestamp {
	return timestamppb.New(began.Add(time.Duration(milliseconds) * time.Millisecond))
}

// aux wraps an update as the engine sends it.
func aux(t testing.TB, status *moby_buildkit_v1.StatusResponse) json.RawMessage {
	t.Helper()
	encoded, err := proto.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	message, err := json.Marshal(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func transcribe(t *testing.T, updates ...*moby_buildkit_v1.StatusResponse) []string {
	t.Helper()
	var lines []string
	transcript := newTranscript(func(line string) { lines = append(lines, line) })
	for _, update := range updates {
		if err := transcript.apply(aux(t, update)); err != nil {
			t.Fatal(err)
		}
	}
	transcript.close()
	return lines
}

func assertLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func output(stream int64, milliseconds int, text string) *moby_buildkit_v1.VertexLog {
	return &moby_buildkit_v1.VertexLog{Vertex: "run", Stream: stream, Timestamp: at(milliseconds), Msg: []byte(text)}
}

func TestTranscript_TellsAStepFromStartToEnd(t *testing.T) {
	run := &moby_buildkit_v1.Vertex{Digest: "run", Name: "[2/2] RUN make", Started: at(0)}
	done := &moby_buildkit_v1.Vertex{Digest: "run", Name: "[2/2] RUN make", Started: at(0), Completed: at(3120)}
	assertLines(t, transcribe(t,
		&moby_buildkit_v1.StatusResponse{Vertexes: []*moby_buildkit_v1.Vertex{{Digest: "copy", Name: "[1/2] COPY . ."}, run}},
		&moby_buildkit_v1.StatusResponse{Logs: []*moby_buildkit_v1.VertexLog{output(1, 412, "compiling\nlin")}},
		&moby_buildkit_v1.StatusResponse{Logs: []*moby_buildkit_v1.VertexLog{output(2, 500, "warning\n"), output(1, 600, "king\n")}},
		&moby_buildkit_v1.StatusResponse{Vertexes: []*moby_buildkit_v1.Vertex{done}, Logs: []*moby_buildkit_v1.VertexLog{output(1, 700, "no end")}},
		&moby_buildkit_v1.StatusResponse{Vertexes: []*moby_buildkit_v1.Vertex{done}},
	),
		"#1 [2/2] RUN make",
		"#1 0.412 compiling",
		"#1 0.500 warning",
		"#1 0.412 linking",
		"#1 0.700 no end",
		"#1 DONE 3.1s",
	)
}

func TestTranscript_TellsCachedFailedAndCancelled(t *testing.T) {
	assertLines(t, transcribe(t, &moby_buildkit_v1.StatusResponse{Vertexes: []*moby_buildkit_v1.Vertex{
		{Digest: "a", Name: "[1/3] COPY . .", Started: at(0), Completed: at(1), Cached: true},
		{Digest: "b", Name: "[2/3] RUN false", Started: at(0), Completed: at(1), Error: "exit code: 1\nmore"},
		{Digest: "c", Name: "[3/3] RUN sleep", Started: at(0), Completed: at(1), Error: "context canceled"},
		{Digest: "d", Name: "never reached"},
	}}),
		"#1 [1/3] COPY . .",
		"#2 [2/3] RUN false",
		"#3 [3/3] RUN sleep",
		"#1 CACHED",
		"#2 ERROR: exit code: 1",
		"#2 ERROR: more",
		"#3 CANCELED",
	)
}

func TestTranscript_TellsPartsOnceAndWarnings(t *testing.T) {
	pulled := &moby_buildkit_v1.VertexStatus{ID: "sha256:1f", Vertex: "pull", Current: 3_400_000, Total: 3_400_000, Started: at(0), Completed: at(1200)}
	assertLines(t, transcribe(t,
		&moby_buildkit_v1.StatusResponse{
			Vertexes: []*moby_buildkit_v1.Vertex{{Digest: "pull", Name: "[1/1] FROM alpine", Started: at(0)}},
			Statuses: []*moby_buildkit_v1.VertexStatus{{ID: "sha256:1f", Vertex: "pull", Current: 10, Total: 3_400_000, Started: at(0)}},
		},
		&moby_buildkit_v1.StatusResponse{Statuses: []*moby_buildkit_v1.VertexStatus{pulled}},
		&moby_buildkit_v1.StatusResponse{Statuses: []*moby_buildkit_v1.VertexStatus{pulled}, Warnings: []*moby_buildkit_v1.VertexWarning{
			{Vertex: "pull", Short: []byte("JSONArgsRecommended"), Detail: [][]byte{[]byte("use a list")}},
		}},
	),
		"#1 [1/1] FROM alpine",
		"#1 sha256:1f 3.4MB 1.2s done",
		"#1 WARN: JSONArgsRecommended",
		"#1 WARN: use a list",
	)
}

func TestTranscript_HoldsBackNoMoreThanItsLimit(t *testing.T) {
	chunk := strings.Repeat("x", link.PartialLimit/2)
	lines := transcribe(t, &moby_buildkit_v1.StatusResponse{Logs: []*moby_buildkit_v1.VertexLog{output(1, 0, chunk), output(1, 0, chunk), output(1, 0, chunk)}})
	if len(lines) != 3 || len(lines[1]) < link.PartialLimit || len(lines[2]) < link.PartialLimit/2 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestTranscript_RefusesWhatIsNoProgress(t *testing.T) {
	transcript := newTranscript(func(string) {})
	for _, message := range []string{`{}`, `"!"`, `"/////w=="`} {
		if err := transcript.apply(json.RawMessage(message)); err == nil {
			t.Errorf("%s is accepted", message)
		}
	}
}

func TestLastDrawn_ShowsWhatATerminalWould(t *testing.T) {
	for text, want := range map[string]string{"10%\r50%\r100%": "100%", "line\r": "line", "": "", "\r\r": ""} {
		if got := link.LastDrawn(text); got != want {
			t.Errorf("lastDrawn(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzTranscript(f *testing.F) {
	f.Add([]byte(aux(f, &moby_buildkit_v1.StatusResponse{Logs: []*moby_buildkit_v1.VertexLog{output(1, 0, "a\nb")}})))
	f.Fuzz(func(t *testing.T, message []byte) {
		transcript := newTranscript(func(line string) {
			if strings.ContainsAny(line, "\n\x1b") || !strings.HasPrefix(line, "#") {
				t.Errorf("not a line: %q", line)
			}
		})
		_ = transcript.apply(message)
		transcript.close()
	})
}

func ExampleBuildError() {
	fmt.Println(explain("failed to solve: process \"/bin/sh -c make\" did not complete successfully: exit code: 2"))
	// Output: build image: The command "/bin/sh -c make" ended with exit code 2.
}
