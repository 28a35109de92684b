package router

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/plan"
)

func viewOf(services ...app.ServicePreview) heldView {
	return heldView{Held: controller.Held{Preview: app.Preview{Plan: services}}}
}

func TestPicture_DrawsTheMainServiceFirstAndWhatIsUsedBelow(t *testing.T) {
	t.Parallel()
	drawn := viewOf(
		app.ServicePreview{Name: "db", Image: "docker.io/library/postgres:17", Volumes: []string{"data:/var/lib/postgresql/data"}, Loosens: []string{"database"}},
		app.ServicePreview{Name: "worker", Build: "Dockerfile", Uses: []string{"db"}},
		app.ServicePreview{Name: "web", Build: "Dockerfile", Uses: []string{"db", "missing"}, Main: true, Port: 8080},
	).Picture()
	var got []string
	for _, box := range drawn.Boxes {
		got = append(got, fmt.Sprintf("%s main=%v loose=%v lines=%d", box.Name, box.Main, box.Loosened, len(box.Lines)))
	}
	want := []string{"web main=true loose=false lines=1", "worker main=false loose=false lines=1", "db main=false loose=true lines=2"}
	if !slices.Equal(got, want) || drawn.Boxes[2].Y <= drawn.Boxes[0].Y+drawn.Boxes[0].Height || len(drawn.Lines) != 2 {
		t.Errorf("boxes %q, lines %v", got, drawn.Lines)
	}
	if drawn.Route != "Route, port 8080" || drawn.RouteX != drawn.Boxes[0].X+boxWidth/2 {
		t.Errorf("the route %q is at %d", drawn.Route, drawn.RouteX)
	}
	for _, words := range []string{"the route leads to web", "web uses db", "worker uses db", "db has the volume data at /var/lib/postgresql/data"} {
		if !strings.Contains(drawn.Label, words) {
			t.Errorf("the label lacks %q: %s", words, drawn.Label)
		}
	}
	for _, box := range drawn.Boxes {
		if box.X < 0 || box.X+box.Width > drawn.Width || box.Y+box.Height > drawn.Height {
			t.Errorf("%s stands outside: %+v", box.Name, box)
		}
	}
}

func TestPicture_EndsWithServicesThatUseEachOtherAndIsNotDrawnOfMany(t *testing.T) {
	t.Parallel()
	ring := viewOf(app.ServicePreview{Name: "a", Image: "a", Uses: []string{"b", "a"}}, app.ServicePreview{Name: "b", Image: "b", Uses: []string{"a"}}).Picture()
	if len(ring.Boxes) != 2 {
		t.Errorf("drawn %+v", ring.Boxes)
	}
	many := make([]app.ServicePreview, mostBoxes+1)
	for i := range many {
		many[i] = app.ServicePreview{Name: fmt.Sprint(i), Image: "a"}
	}
	if viewOf(many...).Picture() != nil || viewOf().Picture() != nil {
		t.Error("drawn")
	}
}

func TestFindings_SayWhatIsStartedAgain(t *testing.T) {
	t.Parallel()
	once, failing := app.ServicePreview{Name: "migrate", Runs: plan.Never}, app.ServicePreview{Name: "job", Runs: plan.OnFailure}
	for want, view := range map[string]heldView{
		"The service is started again whenever it ends.":                                                        viewOf(app.ServicePreview{Name: "web"}),
		"Each service is started again whenever it ends.":                                                       viewOf(app.ServicePreview{Name: "web"}, app.ServicePreview{Name: "db"}),
		"migrate: runs once, and is not started again. All other services are started again whenever they end.": viewOf(once, app.ServicePreview{Name: "web"}),
		"migrate: runs once, and is not started again. job: started again only after a failure.":                viewOf(once, failing),
		"job: started again only after a failure. All other services are started again whenever they end.":      viewOf(failing, app.ServicePreview{Name: "web"}),
	} {
		if got := strings.Join(view.Restarts(), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	loose := viewOf(app.ServicePreview{Name: "db", Loosens: []string{"database"}}, app.ServicePreview{Name: "web"}).Loosened()
	if len(loose) != 1 || loose[0].Service != "db" || !strings.Contains(loose[0].Why, "drop root") {
		t.Errorf("loosened %+v", loose)
	}
}

func TestSuggest_ANameThatIsValid(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"My App.zip": "my-app", "shop.tar.gz": "shop", "größe.tar": "gr-e", "---.zip": "app", "": "app", strings.Repeat("a", 60) + ".tgz": strings.Repeat("a", 36),
		"compose.yaml": "gitea", "Dockerfile": "gitea",
	} {
		view := heldView{Held: controller.Held{ID: "A", Name: file, Preview: app.Preview{Plan: []app.ServicePreview{{Name: "gitea", Main: true}}}}}
		if got := suggestedBase(view); got != want {
			t.Errorf("%q: %q, want %q", file, got, want)
		}
	}
	for image, want := range map[string]string{"nginx": "nginx", "ghcr.io/a/My_Tool:1.2@sha256:aa": "my-tool", "localhost:5000/x/y": "y"} {
		if got := suggestedBase(heldView{Held: controller.Held{Name: image}}); got != want {
			t.Errorf("%q: %q, want %q", image, got, want)
		}
	}
}
