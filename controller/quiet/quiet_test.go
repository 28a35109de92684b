package quiet_test

import (
	"testing"

	"berth/controller/docker"
	"berth/controller/quiet"
)

func TestBook_AnAnswerCountsUntilSomethingHappens(t *testing.T) {
	t.Parallel()
	asked := docker.Instance{ID: "1", Name: "hello", Condition: docker.Condition{Running: true, Health: "healthy", Restarts: 3}}
	listed := docker.Instance{ID: "1", Name: "hello", Condition: docker.Condition{Running: true, Health: "healthy"}}
	for _, test := range []struct {
		name    string
		happens func(*quiet.Book, *docker.Instance)
		want    bool
	}{
		{"nothing", func(*quiet.Book, *docker.Instance) {}, true},
		{"an event of it", func(b *quiet.Book, _ *docker.Instance) { b.Hear("hello") }, false},
		{"an event of another", func(b *quiet.Book, _ *docker.Instance) { b.Hear("other") }, true},
		{"events were missed", func(b *quiet.Book, _ *docker.Instance) { b.Forget() }, false},
		{"it left the list and came back", func(b *quiet.Book, _ *docker.Instance) { b.KeepOnly(nil) }, false},
		{"it is listed", func(b *quiet.Book, i *docker.Instance) { b.KeepOnly([]docker.Instance{*i}) }, true},
		{"it stopped", func(_ *quiet.Book, i *docker.Instance) { i.Condition.Running = false }, false},
		{"it waits for its next start", func(_ *quiet.Book, i *docker.Instance) {
			i.Condition = docker.Condition{Restarting: true, Health: "healthy"}
		}, false},
		{"its health changed", func(_ *quiet.Book, i *docker.Instance) { i.Condition.Health = "unhealthy" }, false},
		{"another one has its name", func(_ *quiet.Book, i *docker.Instance) { i.ID = "2" }, false},
	} {
		var book quiet.Book
		book.Note(asked, book.Mark())
		now := listed
		test.happens(&book, &now)
		found, ok := book.Find(now)
		if ok != test.want {
			t.Errorf("%s: the answer counts: %t", test.name, ok)
		}
		if ok && found.Condition != asked.Condition {
			t.Errorf("%s: the answer is %+v", test.name, found)
		}
	}
}

func TestBook_AnAnswerThatMayBeOlderThanAnEventDoesNotCount(t *testing.T) {
	t.Parallel()
	var book quiet.Book
	mark := book.Mark()
	book.Hear("hello")
	instance := docker.Instance{ID: "1", Name: "hello", Condition: docker.Condition{Running: true}}
	book.Note(instance, mark)
	if _, ok := book.Find(instance); ok {
		t.Error("it counts")
	}
}
