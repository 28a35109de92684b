package planner

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/plan"
	"berth/controller/problem"
)

// TestFrom_PlansWhatPeopleRun has files in the shape of public ones. Each says the main
// service and its port, and a part of a note.
func TestFrom_PlansWhatPeopleRun(t *testing.T) {
	for name, c := range map[string]struct {
		text, main string
		port       uint16
		note       string
		files      []string
	}{
		"a database that publishes to the host": {
			"services:\n  shop: {image: 'example.com/shop:1.4'}\n  ledger:\n    image: postgres:17\n    ports: ['127.0.0.1:15432:5432']\n    volumes: ['rows:/var/lib/postgresql/data']\nvolumes: {rows: }\n",
			"shop", 0, "Port 15432 of ledger is not published", nil,
		},
		"a port of the host's loopback": {
			"services:\n  site: {image: 'example.com/site:2', expose: ['8080']}\n  finder: {image: 'example.com/finder:8', ports: ['127.0.0.1:9200:9200']}\n",
			"site", 8080, "", nil,
		},
		"SSH beside the web": {
			"services:\n  forge:\n    image: example.com/forge:5\n    ports: ['2222:22', '3000:3000']\n    volumes: ['repositories:/data']\nvolumes: {repositories: }\n",
			"forge", 3000, "", nil,
		},
		"a profile that was not chosen": {
			"services:\n  web: {image: 'example.com/web:1', ports: ['80:8080']}\n  worker: {image: 'example.com/web:1', profiles: [jobs]}\n",
			"web", 8080, "The service worker is left out", nil,
		},
		"no port at all": {
			"services:\n  notes: {image: 'example.com/notes:3', depends_on: [store]}\n  store: {image: 'postgres:17', volumes: ['rows:/var/lib/postgresql/data']}\n",
			"notes", 0, "", nil,
		},
		"a file of the archive": {
			"services:\n  front:\n    image: nginxinc/nginx-unprivileged:1.27\n    ports: ['80:8080']\n    volumes: ['./front/site.conf:/etc/nginx/conf.d/default.conf:ro']\n",
			"front", 8080, "front/site.conf becomes part of the image of front at /etc/nginx/conf.d/default.conf.",
			[]string{"front/site.conf", "server {}"},
		},
		"a data folder beside the file": {
			"services:\n  photos:\n    image: example.com/photos:1\n    ports: ['2283:2283']\n    volumes: ['./library:/srv/library']\n",
			"photos", 2283, "/srv/library of photos is a volume of the app", nil,
		},
		"a service called proxy": {
			"services:\n  proxy: {image: 'nginxinc/nginx-unprivileged:1.27', ports: ['80:8080'], depends_on: [backend]}\n  backend: {image: 'example.com/backend:1'}\n",
			"proxy", 8080, "", nil,
		},
		"an env_file that is kept out of the archive": {
			"services:\n  web: {image: 'example.com/web:1', ports: ['80:8080'], env_file: .env}\n",
			"web", 8080, "web gets the app's variables instead", nil,
		},
		"the clock of the host": {
			"services:\n  web: {image: 'example.com/web:1', ports: ['80:8080'], volumes: ['/etc/localtime:/etc/localtime:ro', 'data:/data']}\n",
			"web", 8080, "set the variable TZ", nil,
		},
		"a volume below /tmp": {
			"services:\n  web: {image: 'example.com/web:1', ports: ['80:8080'], volumes: ['cache:/tmp/cache']}\n",
			"web", 8080, "", nil,
		},
		"a file below /tmp": {
			"services:\n  web: {image: 'example.com/web:1', ports: ['80:8080'], volumes: ['./web.conf:/tmp/web.conf']}\n",
			"web", 8080, "web has no /tmp in memory",
			[]string{"web.conf", "x"},
		},
		"labels of another proxy": {
			"services:\n  web: {image: 'example.com/web:1', expose: ['8080'], labels: ['traefik.enable=true', 'caddy=www.example.com']}\n",
			"web", 8080, "for another proxy are left out", nil,
		},
	} {
		made, err := composed(t, c.text, plan.Options{Environment: []string{"APP_KEY=k"}}, c.files...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if main := serviceOf(t, made, c.main); made.Main != c.main || main.Port != c.port || len(main.Labels) > 0 {
			t.Errorf("%s: the route leads to %s, port %d, labels %v", name, made.Main, main.Port, main.Labels)
		}
		if notes := strings.Join(made.Notes, "\n"); !strings.Contains(notes, c.note) {
			t.Errorf("%s: %q is not in the notes:\n%s", name, c.note, notes)
		}
	}
}

func TestFrom_AsksForVariablesWithoutAValue(t *testing.T) {
	const text = "services:\n  web:\n    image: example.com/web:1\n    environment:\n      STORE: redis://:${STORE_PASSWORD}@store/0\n  store:\n    image: redis:7\n    command: [\"redis-server\", \"--requirepass\", \"${STORE_PASSWORD}\"]\n"
	_, err := composed(t, text, plan.Options{}, ".env", "STORE_PASSWORD=secret\n")
	faults := problem.RefusalsIn(err)
	if len(faults) != 1 || faults[0].Line != 5 || faults[0].Offer != problem.OfferDotenv || !strings.Contains(faults[0].Reason, "STORE_PASSWORD has no value") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	made := mustCompose(t, text, plan.Options{Dotenv: true}, ".env", "STORE_PASSWORD=secret\n")
	if command := serviceOf(t, made, "store").Command; !slices.Contains(command, "secret") {
		t.Errorf("runs %q", command)
	}
	if made := mustCompose(t, text, plan.Options{Dotenv: true, Environment: []string{"STORE_PASSWORD=own"}}, ".env", "STORE_PASSWORD=secret\n"); !slices.Contains(serviceOf(t, made, "store").Command, "own") {
		t.Error("the app's own variable does not win")
	}
	if _, err := composed(t, strings.ReplaceAll(text, "${STORE_PASSWORD}", "${STORE_PASSWORD:-}"), plan.Options{}); err != nil {
		t.Errorf("an empty value that is meant: %v", err)
	}
}

func TestFrom_NamesVariableAndKeyOfASecretInTheOpen(t *testing.T) {
	_, err := composed(t, `services:
  web:
    image: example.com/web:${RELEASE}
    ports: ["80:8080"]
  store:
    image: postgres:17
    environment: {POSTGRES_USER: "${STORE_USER}", POSTGRES_PASSWORD: "${STORE_PASSWORD}"}
    healthcheck: {test: ["CMD-SHELL", "pg_isready -U ${STORE_USER}"]}
`, plan.Options{Secrets: []string{"RELEASE", "STORE_USER", "STORE_PASSWORD"}})
	var got []string
	for _, fault := range problem.RefusalsIn(err) {
		got = append(got, string(fault.Offer)+" "+fault.Subject+" "+fault.Reason)
		if strings.ContainsAny(fault.Reason+fault.Hint, plan.ReferenceOpen+plan.ReferenceClose) {
			t.Errorf("shows the marks of a reference: %q", fault.Reason)
		}
	}
	want := []string{
		"plain RELEASE image of web uses the secret RELEASE, and would keep it in the open.",
		"plain STORE_USER healthcheck of store uses the secret STORE_USER, and would keep it in the open.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFrom_BoundFoldersAreImageOrVolumeByWhatTheServiceDoesThere(t *testing.T) {
	files := []string{"conf/a.conf", "a", "conf/sub/run.sh", "b", "seed/rows.csv", "c", "empty/.gitkeep", "", "site/index.html", "d"}
	for bind, want := range map[string]struct {
		files  []string
		volume string
	}{
		"./conf:/etc/app":                   {files: []string{"/etc/app/a.conf", "/etc/app/sub/run.sh"}},
		"./conf:/etc/app:ro":                {files: []string{"/etc/app/a.conf", "/etc/app/sub/run.sh"}},
		"./seed:/var/lib/app":               {files: []string{"/var/lib/app/rows.csv"}, volume: "seed"},
		"./seed:/app/uploads":               {files: []string{"/app/uploads/rows.csv"}, volume: "seed"},
		"./seed:/app/uploads:ro":            {files: []string{"/app/uploads/rows.csv"}},
		"./empty:/app/state":                {volume: "empty"},
		"./new/place:/app/x":                {volume: "new-place"},
		"./site/index.html:/www/index.html": {files: []string{"/www/index.html"}},
	} {
		made, err := composed(t, "services:\n  web:\n    image: x\n    volumes: [\""+bind+"\"]\n", plan.Options{}, files...)
		if err != nil {
			t.Errorf("%s: %v", bind, err)
			continue
		}
		var got []string
		for _, file := range made.Services[0].Files {
			got = append(got, file.Path)
		}
		volume := ""
		for _, mount := range made.Services[0].Mounts {
			volume = mount.Volume
		}
		if !slices.Equal(got, want.files) || volume != want.volume {
			t.Errorf("%s: got files %q and volume %q, want %+v", bind, got, volume, want)
		}
	}
}

func TestFrom_OneFolderOfTheHostIsOneVolume(t *testing.T) {
	const text = `services:
  a: {image: x, ports: [80], volumes: ["/srv/media:/m", "data:/data"]}
  b: {image: x, volumes: ["/srv/media/:/other", "~/data:/home", "/mnt/media:/n", "./srv/media:/o"]}
volumes: {data: }
`
	if _, err := composed(t, text, plan.Options{}); len(problem.RefusalsIn(err)) != 4 {
		t.Errorf("without a person's word: %v", err)
	}
	made := mustCompose(t, text, plan.Options{Volumes: true})
	var got []string
	for _, service := range made.Services {
		for _, mount := range service.Mounts {
			got = append(got, mount.Volume+" "+mount.Target)
		}
	}
	want := []string{"data /data", "srv-media /m", "srv-media /other", "data-2 /home", "mnt-media /n", "srv-media-2 /o"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
