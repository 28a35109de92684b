package traefik

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func proxyFolder(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	if _, err := WriteStatic(folder, StaticOptions{ProxyAddress: netip.MustParseAddr("192.0.2.2")}); err != nil {
		t.Fatal(err)
	}
	return folder
}

func published(folder string) string { return filepath.Join(folder, dynamicFolder, publishedName) }

func generate(t testing.TB, targets ...Target) *Configuration {
	t.Helper()
	configuration, err := Generate(Table{Targets: targets})
	if err != nil {
		t.Fatal(err)
	}
	return configuration
}

func publish(t testing.TB, publisher *Publisher, targets ...Target) (changed bool) {
	t.Helper()
	changed, err := publisher.Publish(generate(t, targets...))
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestPublisher_WritesWhatReadsBackEqual(t *testing.T) {
	folder := proxyFolder(t)
	want, err := Generate(Table{Targets: manyTargets(t, 3), Forwards: []Forward{
		{Port: Port{2222, TCP}, App: "git", Release: 1, Address: "berth-git-r1:22"}, {Port: Port{25565, UDP}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := NewPublisher(folder).Publish(want); err != nil || !changed {
		t.Fatalf("changed %t, error %v", changed, err)
	}
	file, err := os.ReadFile(published(folder))
	if err != nil {
		t.Fatal(err)
	}
	got := new(Configuration)
	if err := decodeStrictly(file, got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestPublisher_SkipsWhatIsThereAlready(t *testing.T) {
	folder := proxyFolder(t)
	publish(t, NewPublisher(folder), helloTarget(t))
	before, err := os.Stat(published(folder))
	if err != nil {
		t.Fatal(err)
	}
	// A new Publisher, as after a restart.
	if publish(t, NewPublisher(folder), helloTarget(t)) {
		t.Error("the same table counts as a change")
	}
	after, err := os.Stat(published(folder))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was replaced (error %v)", err)
	}
}

func TestPublisher_RestoresAFileThatSomeoneChanged(t *testing.T) {
	folder := proxyFolder(t)
	publisher := NewPublisher(folder)
	publish(t, publisher, helloTarget(t))
	if err := os.WriteFile(published(folder), []byte("http: {"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !publish(t, publisher, helloTarget(t)) {
		t.Error("the changed file was left as it is")
	}
}

func TestPublisher_RefusesTemplatesAndKeepsTheLastGoodFile(t *testing.T) {
	folder := proxyFolder(t)
	publisher := NewPublisher(folder)
	publish(t, publisher, helloTarget(t))
	before, err := os.ReadFile(published(folder))
	if err != nil {
		t.Fatal(err)
	}
	bad := generate(t, helloTarget(t))
	bad.HTTP.Routers["hello-0-web"].Rule = "Host(`{{ env `SECRET` }}`)"
	if _, err := publisher.Publish(bad); !errors.Is(err, ErrTemplate) {
		t.Errorf("error %v", err)
	}
	after, err := os.ReadFile(published(folder))
	if err != nil || string(after) != string(before) {
		t.Errorf("the last good file is gone: %s, %v", after, err)
	}
}

func TestPublisher_LeavesNothingBesideTheFiles(t *testing.T) {
	folder := proxyFolder(t)
	publisher := NewPublisher(folder)
	publish(t, publisher, manyTargets(t, 2)...)
	publish(t, publisher)
	var names []string
	for _, pattern := range []string{"*", ".*", "*/*", "*/.*"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			names = append(names, strings.TrimPrefix(name, folder+"/"))
		}
	}
	want := []string{"dynamic", "tls", "traefik.yml", "dynamic/berth.yml", "dynamic/stack.yml", "tls/fallback.pem"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func TestPublisher_IsNeverSeenHalfWritten(t *testing.T) {
	folder := proxyFolder(t)
	publisher := NewPublisher(folder)
	publish(t, publisher)
	var writers sync.WaitGroup
	for _, count := range []int{1, 40} {
		writers.Go(func() {
			for range 20 {
				publish(t, publisher, manyTargets(t, count)...)
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for {
		file, err := os.ReadFile(published(folder))
		if err != nil {
			t.Fatal(err)
		}
		if err := decodeStrictly(file, new(Configuration)); err != nil {
			t.Fatalf("half a file: %v", err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestPublisher_WritesAfterChangesWhatAFreshOneWrites(t *testing.T) {
	folder := proxyFolder(t)
	publisher := NewPublisher(folder)
	targets := manyTargets(t, 5)
	publish(t, publisher, targets...)
	targets[1].Release++
	targets[2].Address = "elsewhere:1"
	targets[3].Proving = true
	targets = targets[:4]
	publish(t, publisher, targets...)
	got, err := os.ReadFile(published(folder))
	if err != nil {
		t.Fatal(err)
	}
	want, err := new(document).encode(generate(t, targets...))
	if err != nil || string(got) != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s\n%v", got, want, err)
	}
}

func TestPublisher_SeesWhatTheCallerChangedInPlace(t *testing.T) {
	publisher := NewPublisher(proxyFolder(t))
	configuration := generate(t, helloTarget(t))
	for _, address := range []string{"http://a:1", "http://b:2"} {
		configuration.HTTP.Services["hello-r3"].LoadBalancer.Servers[0].URL = address
		if changed, err := publisher.Publish(configuration); err != nil || !changed {
			t.Errorf("changed %t, error %v", changed, err)
		}
	}
}

func TestPublisher_SaysSoWhenTheFolderIsGone(t *testing.T) {
	folder := proxyFolder(t)
	if err := os.RemoveAll(filepath.Join(folder, dynamicFolder)); err != nil {
		t.Fatal(err)
	}
	if _, err := NewPublisher(folder).Publish(generate(t, helloTarget(t))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, ".berth-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func BenchmarkPublish_ThousandApps(b *testing.B) { benchmarkPublish(b, 1000) }

func BenchmarkPublish_TwentyApps(b *testing.B) { benchmarkPublish(b, 20) }

// benchmarkPublish changes one app at a time, as a release does.
func benchmarkPublish(b *testing.B, apps int) {
	publisher := NewPublisher(proxyFolder(b))
	targets := manyTargets(b, apps)
	publish(b, publisher, targets...)
	for b.Loop() {
		targets[0].Release++
		publish(b, publisher, targets...)
	}
}
