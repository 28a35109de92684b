package images

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/pkg/jsonmessage"

	"berth/controller/docker/link"
	"berth/controller/plan"
)

func TestForgedLabel_FindsWhatOnlyBerthSets(t *testing.T) {
	engine := &Images{link: &link.Link{Stack: "berth"}}
	own := map[string]string{link.LabelStack: "berth", link.LabelApp: "hello", link.LabelRelease: "3", link.LabelRole: link.RoleBuild, link.LabelService: "web"}
	if label := engine.forgedLabel(own); label != "" {
		t.Errorf("own label %s is called forged", label)
	}
	for _, forged := range []map[string]string{
		{"traefik.enable": "true"},
		{"TRAEFIK.http.routers.x.rule": ""},
		{"traefik": ""},
		{link.LabelStack: "berth", link.LabelRole: link.RoleBuild, link.LabelPort: "80"},
		{link.LabelStack: "berth", link.LabelRole: link.RoleProxy},
		{link.LabelStack: "other", link.LabelRole: link.RoleBuild, link.LabelApp: "hello"},
		{link.LabelApp: "hello"},
		{"Berth.app": "hello", link.LabelStack: "berth", link.LabelRole: link.RoleBuild},
	} {
		if label := engine.forgedLabel(forged); label == "" {
			t.Errorf("%v passes", forged)
		}
	}
	if label := engine.forgedLabel(map[string]string{"berthing": "1", "com.traefik.x": "1", "maintainer": "x"}); label != "" {
		t.Errorf("%s is called forged", label)
	}
}

func TestTCPPorts_AreSortedAndTCP(t *testing.T) {
	if got := tcpPorts([]string{"9000/tcp", "53/udp", "80", "0/tcp", "70000/tcp", "x/tcp"}); !slices.Equal(got, []uint16{80, 9000}) {
		t.Errorf("ports %v", got)
	}
}

func TestFollow_FailureInsideASuccessIsAFailure(t *testing.T) {
	quiet := newTranscript(func(string) {})
	_, err := follow(strings.NewReader(`{"stream":"x"}{"errorDetail":{"message":"exit code: 1"},"error":"exit code: 1"}`), quiet)
	if failed, ok := errors.AsType[*jsonmessage.JSONError](err); !ok || failed.Message != "exit code: 1" {
		t.Errorf("follow() = %v", err)
	}
	if _, err := follow(strings.NewReader(`{"id":"moby.buildkit.trace","aux":""}`), quiet); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a stream without an image: %v", err)
	}
	if _, err := follow(strings.NewReader(`{"id":"moby.image.id","aux":{"ID":"sha256:1"}}{"str`), quiet); err == nil {
		t.Error("a stream that was cut is accepted")
	}
	if id, err := follow(strings.NewReader(`{"id":"moby.image.id","aux":{"ID":"sha256:1"}}`), quiet); err != nil || id != "sha256:1" {
		t.Errorf("follow() = %q, %v", id, err)
	}
}

func TestFailure_SaysThatTheEngineWentAwayInTheMiddleOfAnAnswer(t *testing.T) {
	_, err := follow(strings.NewReader(`{"id":"moby.buildkit.trace","aux":""}{"str`), newTranscript(func(string) {}))
	if err := link.Failure(t.Context(), "follow build", err); !errors.Is(err, link.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestBuildRequest_KeepsCachesOfAppsApart(t *testing.T) {
	engine := &Images{link: &link.Link{Stack: "berth"}}
	request := engine.buildRequest(BuildOptions{App: "hello", Release: 3, Build: plan.Build{
		Dockerfile: "Dockerfile", Arguments: map[string]string{"MODE": "fast", link.CacheNamespace: "victim"},
	}})
	if got := *request.BuildArgs[link.CacheNamespace]; got != "berth-hello" {
		t.Errorf("cache namespace %q", got)
	}
	if *request.BuildArgs["MODE"] != "fast" || request.NetworkMode != "default" {
		encoded, _ := json.Marshal(request.BuildArgs)
		t.Errorf("arguments %s, network %s", encoded, request.NetworkMode)
	}
}

func TestBuildRequest_KeysTheStepsByApp(t *testing.T) {
	engine := &Images{link: &link.Link{Stack: "berth"}}
	hosts := func(app string, release int64) string {
		return strings.Join(engine.buildRequest(BuildOptions{App: app, Release: release}).ExtraHosts, " ")
	}
	if hosts("a", 1) != "a.berth.build.internal:127.0.0.1" || hosts("a", 1) != hosts("a", 2) || hosts("a", 1) == hosts("b", 1) {
		t.Errorf("got %q and %q", hosts("a", 1), hosts("b", 1))
	}
}

func TestBuildRequest_GivesANameThatNobodyCanGuess(t *testing.T) {
	engine := &Images{link: &link.Link{Stack: "berth"}}
	seen := map[string]bool{}
	for range 100 {
		for service, pattern := range map[string]string{
			"": `^berth/hello:r3-[0-9a-f]{16}$`, plan.MainService: `^berth/hello:r3-[0-9a-f]{16}$`, "store": `^berth/hello:r3-[0-9a-f]{16}\.store$`,
		} {
			tags := engine.buildRequest(BuildOptions{App: "hello", Release: 3, Service: service}).Tags
			if len(tags) != 1 || !regexp.MustCompile(pattern).MatchString(tags[0]) || seen[tags[0]] {
				t.Fatalf("service %q: names %q", service, tags)
			}
			seen[tags[0]] = true
		}
	}
}
