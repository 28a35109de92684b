package router

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"berth/controller/account"
	"berth/controller/app"
	"berth/test/smalldisk"
)

// fullSessions are sessions in a ledger whose disk is full when they are changed.
type fullSessions struct {
	*fakeSessions
	full bool
}

func (f *fullSessions) UpdateSession(ctx context.Context, session account.Session) error {
	if f.full {
		return fmt.Errorf("commit transaction: %w", syscall.ENOSPC)
	}
	return f.fakeSessions.UpdateSession(ctx, session)
}

func TestDiskFull_IsSaidInWordsOnThePageAndInTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.apps.onAct = func(string, app.Name) error {
		return fmt.Errorf("begin transaction: %w", syscall.ENOSPC)
	}
	page := s.post("/admin/apps/hello/stop", url.Values{"csrf_token": {token}})
	api := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/stop", "")
	for _, answer := range []answer{page, api} {
		if answer.StatusCode != http.StatusInsufficientStorage {
			t.Errorf("%d, want 507", answer.StatusCode)
		}
		mustContain(t, answer.body, "disk is full.", "Free space on the server")
		if strings.Contains(answer.body, "hello is stopped") || strings.Contains(answer.body, "Something went wrong") {
			t.Errorf("the answer says %s", answer.body)
		}
	}
}

func TestDiskFull_LetsInWhoFreesSpaceAndShowsNoNoticeTwice(t *testing.T) {
	t.Parallel()
	var sessions *fullSessions
	s := newSite(t, func(o *Options) {
		sessions = &fullSessions{fakeSessions: o.Sessions.(*fakeSessions)}
		o.Sessions = sessions
	})
	s.anApp("hello")
	token := s.signIn()
	sessions.full = true
	answer := s.post("/admin/apps/hello/stop", url.Values{"csrf_token": {token}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello" {
		t.Errorf("what was done is answered with %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	s.apps.onAct = func(string, app.Name) error { return fmt.Errorf("commit transaction: %w", syscall.ENOSPC) }
	answer = s.post("/admin/apps/hello/stop", url.Values{"csrf_token": {token}})
	if answer.StatusCode != http.StatusInsufficientStorage {
		t.Errorf("what was not done is answered with %d", answer.StatusCode)
	}
	if strings.Contains(answer.body, "hello is stopped") {
		t.Errorf("the answer to what was not done says %s", answer.body)
	}
	if answer := s.get("/admin/apps/hello"); answer.StatusCode != http.StatusOK {
		t.Errorf("a page on a full disk is answered with %d", answer.StatusCode)
	}
}

func TestVolumeUpload_SaysThatTheDiskIsFull(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	smalldisk.MountOn(t, s.volumes.keeper.Folder("data"), 1<<20)
	answer := s.sendFiles("/volumes/data/upload", token, false, aFile{"large.bin", strings.Repeat("x", 2<<20)})
	if answer.StatusCode != http.StatusInsufficientStorage {
		t.Errorf("%d, want 507", answer.StatusCode)
	}
	mustContain(t, answer.body, "The disk has less than 512 MB left.", "Delete")
	if strings.Contains(s.get("/volumes/data").body, "uploaded") || s.inVolume("large.bin") != "" {
		t.Error("the page says that it is done, or a half file is there")
	}
	bearer := s.bearer(deployToken, http.MethodPut, "/api/v1/volumes/data/files/large.bin", strings.Repeat("x", 2<<20))
	if bearer.StatusCode != http.StatusInsufficientStorage {
		t.Errorf("the API answers %d", bearer.StatusCode)
	}
}
