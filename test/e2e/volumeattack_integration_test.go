//go:build integration

package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// sendFile puts a body into a file of a volume and returns the status; 0 where the
// connection broke.
func (o *operator) sendFile(volume, path string, body io.Reader) int {
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodPut, berth.Admin+"/api/v1/volumes/"+volume+"/files/"+path, body)
	if err != nil {
		o.t.Error(err)
		return 0
	}
	request.Header.Set("Authorization", "Bearer "+o.token)
	response, err := o.client.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func (o *operator) look(volume, path string) (status int, body string) {
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, berth.Admin+"/api/v1/volumes/"+volume+"/files/"+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+o.token)
	response, err := o.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// trickle gives bytes slowly until it is told to end.
type trickle struct{ end <-chan struct{} }

// Read implements io.Reader.
func (r trickle) Read(buffer []byte) (int, error) {
	select {
	case <-r.end:
		return 0, io.EOF
	case <-time.After(20 * time.Millisecond):
		return copy(buffer, bytes.Repeat([]byte("x"), 4096)), nil
	}
}

func TestVolumes_KillInTheMiddleOfAnUploadLeavesNothing(t *testing.T) {
	o := newOperator(t)
	o.dropLater("torn")
	o.volume("torn")
	o.sendFile("torn", "whole.txt", strings.NewReader("whole"))
	end := make(chan struct{})
	ended := make(chan int, 1)
	go func() { ended <- o.sendFile("torn", "half.bin", trickle{end}) }()
	time.Sleep(time.Second) // well into the upload
	docker(t, "kill", "--signal", "KILL", berth.Controller())
	close(end)
	if status := <-ended; status == http.StatusNoContent {
		t.Error("the upload was answered as if it were whole")
	}
	docker(t, "start", berth.Controller())
	healthy(t)
	eventually(t, converge, "no helper to be left", func() bool {
		return docker(t, "ps", "--all", "--quiet", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.role=helper") == ""
	})
	if status, listing := o.look("torn", ""); status != http.StatusOK || strings.Contains(listing, "half") || !strings.Contains(listing, "whole.txt") {
		t.Errorf("%d: %s", status, listing)
	}
	if status := o.sendFile("torn", "half.bin", strings.NewReader("all of it")); status != http.StatusNoContent {
		t.Errorf("the next upload: %d", status)
	}
	// What the first one had sent is swept, also where no listing shows it.
	engineName := docker(t, "volume", "ls", "--quiet", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.volume=torn")
	if left := docker(t, "run", "--rm", "--label", "berth.stack="+berth.Name, "-v", engineName+":/v:ro", "python:3.11-slim", "ls", "-A", "/v"); left != "half.bin\nwhole.txt" {
		t.Errorf("the volume holds %q", left)
	}
}

func TestVolumes_ManyAtOnceEndWellEachWholeOrNotThere(t *testing.T) {
	o := newOperator(t)
	o.dropLater("busy")
	o.volume("busy")
	var all sync.WaitGroup
	for worker := range 6 {
		all.Go(func() {
			text := strings.Repeat(fmt.Sprint(worker), 200_000)
			for round := range 4 {
				if status := o.sendFile("busy", fmt.Sprintf("shared/%d.txt", round), strings.NewReader(text)); status != http.StatusNoContent {
					t.Errorf("upload: %d", status)
				}
				status, body := o.look("busy", fmt.Sprintf("shared/%d.txt", round))
				if status == http.StatusOK && (len(body) != 200_000 || strings.Trim(body, body[:1]) != "") {
					t.Errorf("a file of %d bytes from more than one upload", len(body))
				}
			}
		})
	}
	all.Wait()
}

func TestVolumes_ArchiveOfTooManyEntriesIsRefusedWhole(t *testing.T) {
	o := newOperator(t)
	o.dropLater("crowd")
	o.volume("crowd")
	var content bytes.Buffer
	archive := zip.NewWriter(&content)
	for i := range 100_000 {
		if _, err := archive.Create(fmt.Sprintf("%d/%d.txt", i/1000, i)); err != nil {
			t.Fatal(err)
		}
	}
	_ = archive.Close()
	o.refuseFiles("crowd", "many.zip", content.Bytes(), "50,000", "50000")
	if _, listing := o.look("crowd", ""); strings.Contains(listing, "name\":") {
		t.Errorf("it left %s", listing)
	}
}

// refuseFiles unpacks an archive on the page of a volume, as a person does, and
// wants one of the words in the answer.
func (o *operator) refuseFiles(volume, name string, content []byte, words ...string) {
	o.t.Helper()
	client := signInAs(o.t, resetPassword(o.t), "e2e")
	token := formToken(o.t, client, berth.Pages+"/volumes/"+volume)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("csrf_token", token)
	_ = form.WriteField("unpack", "1")
	part, _ := form.CreateFormFile("file", name)
	_, _ = part.Write(content)
	_ = form.Close()
	response, err := client.Post(berth.Pages+"/volumes/"+volume+"/upload", form.FormDataContentType(), &body)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode < 400 || response.StatusCode >= 500 {
		o.t.Errorf("status %d", response.StatusCode)
	}
	for _, word := range words {
		if strings.Contains(string(text), word) {
			return
		}
	}
	o.t.Errorf("none of %q in %.3000s", words, text)
}

// swap makes a folder and a link out of the volume take turns, as fast as it can.
const swap = `
import os
while True:
    try: os.mkdir("/v/x")
    except OSError: pass
    try: os.rmdir("/v/x")
    except OSError: pass
    try: os.symlink("/etc", "/v/x")
    except OSError: pass
    try: os.unlink("/v/x")
    except OSError: pass
`

func TestVolumes_LinkThatIsSwappedInMeanwhileLeadsNowhere(t *testing.T) {
	o := newOperator(t)
	o.dropLater("mirror")
	o.volume("mirror")
	engineName := docker(t, "volume", "ls", "--quiet", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.volume=mirror")
	swapper := docker(t, "run", "--detach", "--rm", "--cpus", "0.5", "--label", "berth.stack="+berth.Name, "-v", engineName+":/v", "python:3.11-slim", "python3", "-c", swap)
	defer docker(t, "rm", "--force", swapper)
	for range 25 {
		if status, body := o.look("mirror", "x/passwd"); status == http.StatusOK || status >= 500 || strings.Contains(body, "root:") {
			t.Errorf("reading through the link: %d %.200s", status, body)
		}
		if status := o.sendFile("mirror", "x/planted", strings.NewReader("evil")); status >= 500 {
			t.Errorf("writing through the link: %d", status)
		}
	}
	if status, body := o.look("mirror", ""); status != http.StatusOK {
		t.Errorf("the volume afterwards: %d %s", status, body)
	}
}
