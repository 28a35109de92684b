package planner

import (
	"strings"
	"testing"

	"berth/controller/plan"
)

func TestCompose_SaysWhichPublishedPortIsNoHTTPAndWhatToDo(t *testing.T) {
	t.Parallel()
	const file = `services:
  git:
    image: gitea/gitea
    ports: ["3000:3000", "2222:22", "25565:25565/udp", "127.0.0.1:1883:1883"]
  db:
    image: postgres:16
    ports: ["15432:5432"]
`
	const (
		alone   = "is not published: the app is reached through its route alone."
		ask     = "which is not HTTP: the operator can allow public ports with BERTH_PORTS, for the app's Routes page."
		do      = "which is not HTTP: give it a public port on the app's Routes page."
		ssh     = "Port 2222 of git is not published. git listens on 22/tcp, "
		game    = "Port 25565 of git is not published. git listens on 25565/udp, "
		web     = "Port 3000 of git " + alone
		inside  = "Port 1883 of git " + alone
		storage = "Port 15432 of db " + alone
	)
	for allowed, want := range map[bool][]string{
		false: {ssh + ask, game + ask, web, inside, storage},
		true:  {ssh + do, game + do, web, inside, storage},
	} {
		made, err := composed(t, file, plan.Options{PublicPorts: allowed})
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(made.Notes, "\n")
		for _, note := range want {
			if !strings.Contains(notes, note) {
				t.Errorf("notes lack %q:\n%s", note, notes)
			}
		}
	}
}
