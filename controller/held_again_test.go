package controller_test

import (
	"io/fs"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
	"berth/examples"
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

// TestExamine_OfTheExamplesOfTheForm says what a person is asked who takes one.
func TestExamine_OfTheExamplesOfTheForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, example := range examples.All() {
		below, _ := examples.Open(example.Name)
		files := map[string]string{}
		err := fs.WalkDir(below, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := fs.ReadFile(below, path)
			files[path] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		received := h.receive(files)
		preview, err := h.Examine(t.Context(), h.wish("example", received))
		received.Discard()
		var missing []string
		for _, fault := range problem.RefusalsIn(err) {
			missing = append(missing, fault.Variable())
		}
		want := map[string]string{"hello-python": "Dockerfile", "static-site": "Static site"}[example.Name]
		switch {
		case want != "" && (err != nil || preview.Kind != want):
			t.Errorf("%s: %+v, %v", example.Name, preview, err)
		case want == "" && (len(missing) != 1 || missing[0] != "DATABASE_PASSWORD"):
			t.Errorf("%s asks for %q: %v", example.Name, missing, err)
		}
	}
}
