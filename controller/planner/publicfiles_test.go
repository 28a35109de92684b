package planner

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/plan"
	"berth/controller/problem"
)

// caseWeb is a service that publishes a port, as most files have one. Further keys follow it.
const caseWeb = "services:\n  web:\n    image: example.com/web:1.0\n    ports: [\"80:8080\"]\n"

// TestFrom_KeepsWhatAPublicFileMeans has the files that need more than a note: each says
// what the plan must hold.
func TestFrom_KeepsWhatAPublicFileMeans(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		files []string
		notes []string
		holds func(plan.Plan) bool
	}{
		"a name of the container": {
			caseWeb + "    container_name: my-web\n", nil,
			[]string{"its other services reach it as my-web too"},
			func(made plan.Plan) bool { return slices.Contains(serviceOf(t, made, "web").Aliases, "my-web") },
		},
		"the first of the exposed ports": {
			"services:\n  web:\n    image: example.com/web:1.0\n    expose: [\"8080\", \"4000\"]\n", nil, nil,
			func(made plan.Plan) bool { return serviceOf(t, made, "web").Port == 8080 },
		},
		"logging and a terminal": {
			caseWeb + "    tty: true\n    logging:\n      driver: json-file\n      options: {max-size: 10m}\n", nil,
			[]string{"Line 5: tty has no effect.", "Line 6: logging has no effect."},
			func(made plan.Plan) bool { return made.Main == "web" },
		},
		"many open files": {
			caseWeb + "  events:\n    image: clickhouse/clickhouse-server:24.12\n    ulimits:\n      nofile: {soft: 262144, hard: 262144}\n    volumes: [\"events:/var/lib/clickhouse\"]\nvolumes:\n  events:\n", nil,
			[]string{"The ulimit nofile of events is 65536, not 262144"},
			func(made plan.Plan) bool {
				return slices.Equal(serviceOf(t, made, "events").Ulimits, []plan.Ulimit{{Name: "nofile", Soft: 65536, Hard: 65536}}) && made.Main == "web"
			},
		},
		"much shared memory": {
			caseWeb + "  browser:\n    image: example.com/browser:1.0\n    shm_size: 1gb\n", nil,
			[]string{"shared memory of 256 MB, not 1024 MB", "A higher limit is set on the app's page"},
			func(made plan.Plan) bool { return serviceOf(t, made, "browser").ShmBytes == 256<<20 },
		},
		"networks that divide services": {
			caseWeb + "    networks: [front]\n  store:\n    image: redis:7\n    networks: [back]\nnetworks:\n  front:\n  back:\n", nil,
			[]string{"the networks of the file do not divide them"},
			func(made plan.Plan) bool { return made.Main == "web" && len(made.Services) == 2 },
		},
		"a volume that is not declared": {
			caseWeb + "    volumes: [\"data:/data\"]\n", nil, nil,
			func(made plan.Plan) bool {
				return slices.Equal(serviceOf(t, made, "web").Mounts, []plan.Mount{{Volume: "data", Target: "/data"}})
			},
		},
		"a folder for data": {
			"services:\n  photos:\n    image: example.com/photos:1.9\n    ports: [\"2283:2283\"]\n    volumes:\n      - ./library:/srv/library\n", nil,
			[]string{"/srv/library of photos is a volume of the app"},
			func(made plan.Plan) bool {
				return slices.Equal(serviceOf(t, made, "photos").Mounts, []plan.Mount{{Volume: "library", Target: "/srv/library"}})
			},
		},
		"eight keys that mean nothing here": {
			"services:\n  web:\n    container_name: shop_web\n    build: .\n    ports: [80:8000]\n    logging: {driver: json-file}\n    stdin_open: true\n    tty: true\n    dns: [1.1.1.1]\n    networks: [front]\n    deploy: {update_config: {order: start-first}}\nnetworks:\n  front:\n    name: front\n",
			[]string{"Dockerfile", "FROM scratch\n"},
			[]string{"reach it as shop_web too", "Line 6: logging", "Line 7: stdin_open", "Line 8: tty", "Line 9: dns", "Line 11: update_config", "Line 14: name"},
			func(made plan.Plan) bool { return serviceOf(t, made, "web").Port == 8000 },
		},
	} {
		made, err := composed(t, c.text, plan.Options{}, c.files...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !c.holds(made) {
			t.Errorf("%s: got %+v", name, made)
		}
		for _, note := range c.notes {
			if !strings.Contains(strings.Join(made.Notes, "\n"), note) {
				t.Errorf("%s: %q is not in the notes: %q", name, note, made.Notes)
			}
		}
	}
}

// TestFrom_AMountNamedByAVariableTakesItsValueFromTheEnvFile: the value of .env is offered,
// and what it names becomes a volume as if it stood in the file.
func TestFrom_AMountNamedByAVariableTakesItsValueFromTheEnvFile(t *testing.T) {
	const text = "services:\n  web:\n    build: .\n    ports: [\"80:8000\"]\n    volumes: [\"${UPLOADS}:/data\"]\n"
	files := []string{"Dockerfile", "FROM scratch\n", ".env", "UPLOADS=./library\n"}
	_, err := composed(t, text, plan.Options{}, files...)
	if faults := problem.RefusalsIn(err); len(faults) != 1 || faults[0].Line != 5 || faults[0].Offer != problem.OfferDotenv {
		t.Errorf("without .env: %v", err)
	}
	made := mustCompose(t, text, plan.Options{Dotenv: true}, files...)
	if mounts := made.Services[0].Mounts; !slices.Equal(mounts, []plan.Mount{{Volume: "library", Target: "/data"}}) {
		t.Errorf("with .env: %+v", mounts)
	}
}

func TestFrom_AServiceOfRootGetsTheOfferOfItsException(t *testing.T) {
	const text = "services:\n  web:\n    image: example.com/web:1.0\n    user: root\n    ports: [\"80:8080\"]\n"
	_, err := composed(t, text, plan.Options{})
	faults := problem.RefusalsIn(err)
	if len(faults) != 1 || faults[0].Line != 4 || faults[0].Offer == "" || faults[0].Subject != "web" {
		t.Errorf("got %v", err)
	}
}

func TestFrom_NamesTwoMistakesInOneUpload(t *testing.T) {
	_, err := composed(t, "services:\n  web:\n    image: example.com/web:1.0\n    container_name: web\n    ports: [\"80:8080\"]\n    privileged: true\n    volumes: [\"/var/run/docker.sock:/var/run/docker.sock\"]\n", plan.Options{})
	faults := problem.RefusalsIn(err)
	if len(faults) != 2 || faults[0].Line != 6 || faults[1].Line != 7 || !strings.Contains(faults[1].Reason, "the engine, and with it the whole machine") {
		t.Errorf("got %v", err)
	}
}

// TestFrom_PlansSitesZippedOnWindows: Explorer writes names in CP437, and PowerShell 5
// parts them by backslashes.
func TestFrom_PlansSitesZippedOnWindows(t *testing.T) {
	for entry, want := range map[string]string{"gr\x94\xe1e.html": "größe.html", `assets\app.js`: "assets/app.js"} {
		tree := openCase(t, "site.zip", dosZIP(t, "index.html", entry))
		made, err := From(t.Context(), tree, options)
		if err != nil {
			t.Errorf("%q: %v", entry, err)
			continue
		}
		if made.Services[0].Build.Generated == nil || !slices.Contains(kept(tree, made), want) {
			t.Errorf("%q: kept %q", entry, kept(tree, made))
		}
	}
}

// TestFrom_TheContextOfATarWithForeignNamesBeginsWithAShortEntry: a stream that begins with
// a PAX header is taken for a Dockerfile by the engine.
func TestFrom_TheContextOfATarWithForeignNamesBeginsWithAShortEntry(t *testing.T) {
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for _, name := range []string{"Dockerfile", "a.txt", "Übungen/x.txt"} {
		text := "FROM scratch\nCOPY a.txt /a.txt\nCMD [\"/a.txt\"]\n"
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Format: tar.FormatPAX})
		if _, wrote := io.WriteString(w, text); err != nil || wrote != nil {
			t.Fatal(err, wrote)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tree := openCase(t, "app.tar", data.Bytes())
	made, err := From(t.Context(), tree, options)
	if err != nil {
		t.Fatal(err)
	}
	var sent bytes.Buffer
	if err := tree.WriteContext(t.Context(), &sent, made.Services[0].Build.Layout()); err != nil {
		t.Fatal(err)
	}
	if kind := sent.Bytes()[156]; kind == 'x' || kind == 'g' {
		t.Errorf("the first header of the stream is of the kind %q", kind)
	}
}

// dosZIP is an archive of those names, as a program for Windows makes it.
func dosZIP(tb testing.TB, names ...string) []byte {
	tb.Helper()
	var data bytes.Buffer
	w := zip.NewWriter(&data)
	for _, name := range names {
		if _, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Store, NonUTF8: true, CreatorVersion: 20}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return data.Bytes()
}

func openCase(tb testing.TB, name string, data []byte) *archive.Tree {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	tree, err := archive.OpenApp(file, archive.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tree.Close() })
	return tree
}
