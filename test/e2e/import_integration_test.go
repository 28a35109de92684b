//go:build integration

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const importedFile = `services:
  web:
    build: .
    environment:
      GREETING: ${GREETING}
    volumes: ["data:/data"]
volumes:
  data:
`

// fillData makes what a project has written: files of several users and modes, and links.
const fillData = `import os
os.makedirs("/v/below", exist_ok=True)
open("/v/rows", "w").write("the rows of the project")
os.link("/v/rows", "/v/below/again")
os.symlink("rows", "/v/link")
os.mkfifo("/v/pipe")
os.chmod("/v/rows", 0o600)
os.chown("/v/below", 999, 999)
os.utime("/v/rows", (1000000000, 1000000000))
`

// seeData prints all that can be seen of the files.
const seeData = `import os
for top, folders, files in os.walk("/v"):
    for name in sorted(folders + files + ["."]):
        path = os.path.join(top, name)
        s = os.lstat(path)
        print(path, oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns, s.st_nlink, open(path).read() if name == "rows" else "")
`

// TestImport_BringsAComposeProjectWithItsData: a project that plain Docker runs on the same
// engine is imported by the client alone. The app answers with the project's data, and
// nothing of the project has changed.
func TestImport_BringsAComposeProjectWithItsData(t *testing.T) {
	o := newOperator(t)
	project, app := berth.Name+"-imported", "imported"
	folder := filepath.Join(t.TempDir(), project)
	files, err := berth.AppFiles("serve", "v1")
	if err != nil {
		t.Fatal(err)
	}
	files["compose.yaml"], files[".env"] = []byte(importedFile), []byte("GREETING=hello from the project\n")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, strings.TrimSuffix(name, "*")), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	data, container := project+"_data", project+"-web-1"
	docker(t, "volume", "create", data)
	t.Cleanup(func() { docker(t, "volume", "rm", data) })
	docker(t, "run", "--rm", "-v", data+":/v", "python:3.11-slim", "python3", "-c", fillData)
	docker(t, "build", "--quiet", "--tag", project, folder)
	t.Cleanup(func() { docker(t, "image", "rm", project) })
	docker(t, "run", "--detach", "--name", container, "-v", data+":/data", project)
	t.Cleanup(func() { docker(t, "rm", "--force", "--volumes", container) })
	see := func() string {
		return docker(t, "run", "--rm", "-v", data+":/v:ro", "python:3.11-slim", "python3", "-c", seeData)
	}
	before := see()

	client := filepath.Join(t.TempDir(), "berth")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", client, "./cmd/berth")
	build.Dir, build.Env = berth.Repository(), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	trusted := filepath.Join(t.TempDir(), "admin.crt")
	docker(t, "cp", berth.Controller()+":/data/tls/admin.crt", trusted)
	imports := func(more ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), client, append([]string{"import", "compose", folder, "--name", app, "--route", "/" + app}, more...)...)
		command.Env = append(os.Environ(), "BERTH_TOKEN="+o.token, "BERTH_SERVER="+berth.Admin, "BERTH_CA_FILE="+trusted)
		out, _ := command.CombinedOutput()
		if strings.Contains(string(out), "hello from") {
			t.Errorf("it shows a secret: %s", out)
		}
		return string(out)
	}

	if out := imports(); !strings.Contains(out, "imported_data is a copy of the volume "+data) || !strings.Contains(out, container+" runs with it") || !strings.Contains(out, "nothing was changed") {
		t.Errorf("the plan is %s", out)
	}
	t.Cleanup(func() {
		o.remove(app)
		docker(t, "volume", "rm", berth.Name+"-vol-imported_data")
	})
	out := imports("--yes")
	t.Log(out)
	if release := o.wait(app); release.State != "live" || release.Number != 1 {
		t.Fatalf("release is %+v", release)
	}
	answers(t, converge, "/imported/", "testapp v1")
	for _, path := range []string{"/data/rows", "/data/below/again", "/data/link"} {
		answers(t, converge, "/imported/read?path="+path, "the rows of the project")
	}
	answers(t, converge, "/imported/environ", "GREETING=hello from the project")

	if after := see(); after != before {
		t.Errorf("the project's volume was\n%s\nand is\n%s", before, after)
	}
	if state := docker(t, "inspect", "--format", "{{.State.Running}} {{.RestartCount}}", container); state != "true 0" {
		t.Errorf("the project's container is %s", state)
	}
	if left := docker(t, "ps", "--all", "--quiet", "--filter", "name=berth-import-"); left != "" {
		t.Errorf("containers are left: %s", left)
	}
	if out := imports("--yes"); !strings.Contains(out, "live as r1. It stays as it is") || !strings.Contains(out, "there already") {
		t.Errorf("a second import says %s", out)
	}
}
