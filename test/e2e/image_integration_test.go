//go:build integration

package e2e

import (
	"archive/tar"
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"berth/test/stack"
)

// localImage puts the test app into the engine under a name, as a person does on a
// machine without a registry. The image carries no label of the stack.
func localImage(t *testing.T, name, version string, changes ...string) {
	t.Helper()
	files, err := berth.AppFiles("", version)
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	out := tar.NewWriter(&content)
	for name, text := range files {
		header := &tar.Header{Name: strings.TrimSuffix(name, "*"), Mode: 0o755, Size: int64(len(text))}
		if err := out.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Write(text)
	}
	_ = out.Close()
	arguments := []string{"import"}
	for _, change := range append([]string{`CMD ["/app"]`, "EXPOSE 8000"}, changes...) {
		arguments = append(arguments, "--change", change)
	}
	command := exec.CommandContext(t.Context(), "docker", append(arguments, "-", name)...)
	command.Stdin = &content
	id, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = stack.Docker("rmi", "--force", strings.TrimSpace(string(id))) })
}

// form sends the fields of an upload, and an archive where there is one.
func (o *operator) form(path string, archive []byte, fields ...string) (status int, body string) {
	o.t.Helper()
	var content bytes.Buffer
	form := multipart.NewWriter(&content)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		_ = form.WriteField(name, value)
	}
	if archive != nil {
		part, err := form.CreateFormFile("archive", "app.zip")
		if err != nil {
			o.t.Fatal(err)
		}
		_, _ = part.Write(archive)
	}
	_ = form.Close()
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, berth.Admin+path, &content)
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+o.token)
	request.Header.Set("Content-Type", form.FormDataContentType())
	response, err := o.client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

func TestImage_RunsPinnedAndHardenedAndComesBackWithARollback(t *testing.T) {
	o := newOperator(t)
	const image = "berth-e2e.invalid/ready:1"
	localImage(t, image, "v1")
	localImage(t, "berth-e2e.invalid/ready:2", "v2") // removed after the app
	if status, body := o.form("/api/v1/apps", nil, "name=ready", "route=/ready", "image="+image); status != http.StatusCreated {
		t.Fatalf("deploy: %d %s", status, body)
	}
	t.Cleanup(func() { o.remove("ready") })
	if release := o.wait("ready"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	answers(t, time.Second, "/ready", "testapp v1")
	if got := docker(t, "inspect", "--format", "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Memory}}", container("ready", 1)); got != "65534:65534 true [ALL] 536870912" {
		t.Errorf("it runs as %s", got)
	}
	log := o.logOf("ready", 1)
	if !strings.Contains(log, "on the server is used") || !strings.Contains(log, "pinned to sha256:") {
		t.Errorf("the log does not say which image runs: %s", log)
	}

	docker(t, "tag", "berth-e2e.invalid/ready:2", image) // the tag is another image's now
	docker(t, "rm", "--force", container("ready", 1))
	answers(t, converge, "/ready", "testapp v1")
	if status, body := o.form("/api/v1/apps/ready/update", nil, "image="+image); status != http.StatusCreated {
		t.Fatalf("pull again: %d %s", status, body)
	}
	o.wait("ready")
	answers(t, time.Second, "/ready", "testapp v2")
	if status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/ready/rollback", `{"release": 1}`, nil); err != nil || status != http.StatusCreated {
		t.Fatalf("rollback: %d, %v", status, err)
	}
	o.wait("ready")
	answers(t, time.Second, "/ready", "testapp v1")
}

func TestImage_ThatCannotBeHadOrIsForgedFailsForANamedReason(t *testing.T) {
	o := newOperator(t)
	const forged = "berth-e2e.invalid/forged:1"
	localImage(t, forged, "v1", `LABEL traefik.http.routers.x.rule=PathPrefix("/")`)
	for name, c := range map[string]struct{ image, reason string }{
		"absent": {"berth-e2e.invalid/nothing:1", "could not be had"},
		"forged": {forged, "traefik.http.routers.x.rule"},
		"built":  {"", "berth.stack"},
	} {
		if c.image == "" { // another app's image, by a name that somebody gave it
			o.deploy("victim", "", "v1")
			c.image = "berth-e2e.invalid/taken:1"
			docker(t, "tag", docker(t, "inspect", "--format", "{{.Image}}", container("victim", 1)), c.image)
			t.Cleanup(func() { _, _ = stack.Docker("rmi", c.image) })
		}
		if status, body := o.form("/api/v1/apps", nil, "name="+name, "route=/"+name, "image="+c.image); status != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, status, body)
		}
		t.Cleanup(func() { o.remove(name) })
		if release := o.wait(name); release.State != "failed" || !strings.Contains(release.Reason, c.reason) || release.Hint == "" {
			t.Errorf("%s: release is %+v", name, release)
		}
	}
	answers(t, time.Second, "/victim", "testapp v1")
}

func TestSite_FallbackAnswersUnknownPathsFromTheNextUploadOn(t *testing.T) {
	o := newOperator(t)
	archive, err := stack.Zip(map[string][]byte{"index.html": []byte("<h1>the one page</h1>")})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := o.form("/api/v1/apps", archive, "name=single", "route=/single"); status != http.StatusCreated {
		t.Fatalf("deploy: %d %s", status, body)
	}
	t.Cleanup(func() { o.remove("single") })
	o.wait("single")
	if status, _ := visit(t, "/single/some/place"); status != http.StatusNotFound {
		t.Errorf("without: %d", status)
	}
	if status := o.settings("single", `{"fallback": true}`); status != http.StatusOK {
		t.Fatalf("settings: %d", status)
	}
	o.send("single", "", "app.zip", archive)
	o.wait("single")
	answers(t, time.Second, "/single/some/place", "the one page")
}

func TestWaiver_DatabaseLetsAnImageStepDownAndNoneWithoutIt(t *testing.T) {
	o := newOperator(t)
	o.dropLater("rows")
	o.volume("rows")
	archive, err := berth.App("step-down", "v1")
	if err != nil {
		t.Fatal(err)
	}
	if status, body := o.form("/api/v1/apps", archive, "name=rowstore", "route=/rowstore", "volume=rows", "target=/data"); status != http.StatusCreated {
		t.Fatalf("deploy: %d %s", status, body)
	}
	t.Cleanup(func() { o.remove("rowstore") })
	if release := o.wait("rowstore"); release.State != "failed" || !strings.Contains(release.Hint, `security exception "root start"`) {
		t.Fatalf("release is %+v", release)
	}
	if status := o.settings("rowstore", `{"database": true}`); status != http.StatusOK {
		t.Fatalf("settings: %d", status)
	}
	for range 2 { // the second finds what the first has given away
		o.send("rowstore", "", "app.zip", archive)
		if release := o.wait("rowstore"); release.State != "live" {
			t.Fatalf("release is %+v", release)
		}
	}
	answers(t, time.Second, "/rowstore/status/self", "Uid:\t999\t999\t999\t999")
	answers(t, time.Second, "/rowstore/status/self", "CapEff:\t0000000000000000")
	if got := docker(t, "inspect", "--format", "{{.HostConfig.CapAdd}} {{.HostConfig.ReadonlyRootfs}}", container("rowstore", 3)); got != "[CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID] true" {
		t.Errorf("it was started with %s", got)
	}
}

func TestRootStart_LetsAnImageDropRootAndWriteItsOwnFiles(t *testing.T) {
	o := newOperator(t)
	o.dropLater("pages")
	o.volume("pages")
	archive, err := berth.App("step-down", "v1")
	if err != nil {
		t.Fatal(err)
	}
	if status, body := o.form("/api/v1/apps", archive, "name=front", "route=/front", "volume=pages", "target=/data", "root_start=main"); status != http.StatusCreated {
		t.Fatalf("deploy: %d %s", status, body)
	}
	t.Cleanup(func() { o.remove("front") })
	if release := o.wait("front"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	answers(t, time.Second, "/front/status/self", "Uid:\t999\t999\t999\t999")
	answers(t, time.Second, "/front/status/self", "CapEff:\t0000000000000000")
	if got := docker(t, "inspect", "--format", "{{.HostConfig.CapAdd}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.SecurityOpt}} {{.HostConfig.Privileged}}", container("front", 1)); got != "[CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID] false [no-new-privileges:true] false" {
		t.Errorf("it was started with %s", got)
	}
}

func TestVolumes_WhatWasUploadedFirstBelongsToTheAppsOwnUser(t *testing.T) {
	o := newOperator(t)
	o.dropLater("letters")
	o.volume("letters")
	if status, err := berth.Send(t.Context(), o.token, http.MethodPut, "/api/v1/volumes/letters/files/box/first.txt", "dear", nil); err != nil || status != http.StatusNoContent {
		t.Fatalf("upload: %d, %v", status, err)
	}
	files, err := berth.AppFiles("", "v1")
	if err != nil {
		t.Fatal(err)
	}
	files["Dockerfile"] = append(files["Dockerfile"], "USER 1234:2345\n"...)
	archive, err := stack.Zip(files)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := o.form("/api/v1/apps", archive, "name=writer", "route=/writer", "volume=letters", "target=/data"); status != http.StatusCreated {
		t.Fatalf("deploy: %d %s", status, body)
	}
	t.Cleanup(func() { o.remove("writer") })
	if release := o.wait("writer"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	for _, place := range []string{"/data/box/first.txt", "/data/box/second.txt", "/data/third.txt"} {
		if status, body := visit(t, "/writer/write?path="+place); status != http.StatusOK {
			t.Errorf("write %s: %d %s", place, status, body)
		}
	}
	if log := o.logOf("writer", 1); !strings.Contains(log, "giving it to 1234") {
		t.Errorf("the log does not say so: %s", log)
	}

	// A release of another user that fails leaves them to the one that runs.
	o.upload("writer", "", "crash", "v2")
	if release := o.wait("writer"); release.State != "failed" {
		t.Fatalf("release is %+v", release)
	}
	answers(t, 10*time.Second, "/writer", "testapp v1")
	if status, body := visit(t, "/writer/write?path=/data/box/first.txt"); status != http.StatusOK {
		t.Errorf("after the failed release: %d %s", status, body)
	}
}

func (o *operator) volume(name string) {
	o.t.Helper()
	if status, err := berth.Send(o.t.Context(), o.token, http.MethodPost, "/api/v1/volumes", `{"name": "`+name+`"}`, nil); err != nil || status != http.StatusCreated {
		o.t.Fatalf("create volume: %d, %v", status, err)
	}
}
