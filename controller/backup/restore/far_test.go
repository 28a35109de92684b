package restore_test

import (
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"berth/controller/backup/restore"
	"berth/controller/backup/target"
	"berth/controller/volume/volumetest"
)

// farStore is a target that is no folder of this machine, and counts what it is asked for.
type farStore struct {
	target.Target
	mu    sync.Mutex
	asked map[string]int
}

func (s *farStore) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	s.mu.Lock()
	s.asked[name]++
	s.mu.Unlock()
	return s.Target.Get(ctx, name)
}

func TestServer_GetsEachObjectOfAStoreOnce(t *testing.T) {
	s := newServer(t)
	s.wantDone()
	o := s.machine(volumetest.New(t))
	if err := os.Mkdir(o.DataFolder, 0o700); err != nil {
		t.Fatal(err)
	}
	far := &farStore{Target: o.From, asked: map[string]int{}}
	o.From = far
	if _, err := restore.Server(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	objects := 0
	for name, times := range far.asked {
		if !strings.HasPrefix(name, "objects/") {
			continue
		}
		if objects++; times != 1 {
			t.Errorf("%s was got %d times", name, times)
		}
	}
	if objects == 0 {
		t.Error("no object was got")
	}
}
