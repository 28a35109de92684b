package controller_test

import (
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
)

func TestExamine_OfAnArchiveThatIsHeldIsHeldWithIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	received := h.receive(map[string]string{
		"compose.yaml":      "services:\n  web:\n    build: .\n    ports: [8000]\n    environment: {KEY: \"${KEY:?give one}\"}\n",
		"Dockerfile":        "FROM scratch\n",
		"docker/Dockerfile": "FROM scratch\n",
	})
	wish := h.wish("site", received)
	wish.Name = "" // a person has given none yet
	_, err := h.Examine(t.Context(), wish)
	if faults := problem.RefusalsIn(err); len(faults) != 1 || faults[0].Variable() != "KEY" {
		t.Fatalf("refused with %v", err)
	}
	held := h.Hold(ada, "", received, app.Preview{})
	key := controller.HeldKey{Owner: ada, ID: held.ID}

	wish.Archive, wish.Held = nil, key
	wish.Environment = []app.VariableWish{{Name: "KEY", Value: "hush", Secret: true}}
	preview, err := h.Examine(t.Context(), wish)
	if err != nil || preview.Kind != "Compose app" {
		t.Fatalf("%+v, %v", preview, err)
	}
	if found, err := h.Held(key); err != nil || found.Preview.Kind != "Compose app" || found.Preview.Variables() != 1 {
		t.Errorf("held is %+v, %v", found, err)
	}

	wish.Environment, wish.Dockerfile = nil, "docker/Dockerfile" // what was given is still there
	if preview, err = h.Examine(t.Context(), wish); err != nil || preview.Own != "docker/Dockerfile" {
		t.Errorf("%+v, %v", preview, err)
	}
	wish.Name, wish.Dockerfile = "site", ""
	if _, err := h.Accept(t.Context(), wish); err != nil {
		t.Error(err)
	}
	if _, err := h.Examine(t.Context(), wish); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("after it was deployed: %v", err)
	}
}

func TestAccept_ThatIsRefusedKeepsWhatWasGivenWithTheArchive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, key := h.check(ada)
	wish := h.wish("site", nil)
	wish.Held, wish.Image = key, ""
	wish.Environment = []app.VariableWish{{Name: "KEY", Value: "hush", Secret: true}}
	wish.Settings = &app.Settings{DatabaseServices: "missing"}
	wish.Settings.Choices, _ = app.ParseChoices(app.ChoicesForm{Compose: "missing.yaml"})
	if _, err := h.Accept(t.Context(), wish); err == nil {
		t.Fatal("accepted")
	}
	if found, err := h.Held(key); err != nil || found.Preview.Variables() != 1 || found.Preview.Kind != "Static site" {
		t.Errorf("held is %+v, %v", found, err)
	}
}
