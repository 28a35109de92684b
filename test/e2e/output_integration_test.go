//go:build integration

package e2e

import (
	"bufio"
	"context"
	"html"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"berth/test/patience"
)

var (
	numberedLine = regexp.MustCompile(`<span>line (\d+)</span>`)
	streamOfPage = regexp.MustCompile(`sse-connect="([^"]*/output/events[^"]*)"`)
)

// numbers are those of the lines in a piece of a page or a stream, in order.
func numbers(t *testing.T, text string) (found []int) {
	t.Helper()
	for _, match := range numberedLine.FindAllStringSubmatch(text, -1) {
		number, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, number)
	}
	return found
}

// TestOutput_PageAndStreamJoinWithoutAGap: an app prints a thousand numbered lines a
// second. Page and stream together have each line behind the first once, in order.
func TestOutput_PageAndStreamJoinWithoutAGap(t *testing.T) {
	o := newOperator(t)
	if release := o.deploy("counter", "number", "v1"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	client := signInAs(t, resetPassword(t), "e2e")
	defer client.CloseIdleConnections()
	for load := range 20 {
		shown, stream := outputPage(t, client)
		followed := followOutput(t, client, stream, 1500)
		if len(shown) == 0 || len(followed) < 1500 {
			t.Fatalf("load %d: the page has %d lines, and the stream %d", load+1, len(shown), len(followed))
		}
		all := append(shown, followed...)
		for i := 1; i < len(all); i++ {
			if all[i] != all[i-1]+1 {
				t.Errorf("load %d: behind line %d comes line %d; the page ends at %d", load+1, all[i-1], all[i], shown[len(shown)-1])
			}
		}
	}
}

// outputPage loads the page of the output: its lines, and the address of its stream.
func outputPage(t *testing.T, client *http.Client) (shown []int, stream string) {
	t.Helper()
	response, err := client.Get(berth.Pages + "/admin/apps/counter/output")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v", response.StatusCode, err)
	}
	address := streamOfPage.FindSubmatch(page)
	if address == nil {
		t.Fatalf("the page has no stream: %.2000s", page)
	}
	return numbers(t, string(page)), html.UnescapeString(string(address[1]))
}

// followOutput reads the stream until it has brought so many lines.
func followOutput(t *testing.T, client *http.Client, stream string, least int) (followed []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(30*time.Second))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, berth.Pages+stream, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for events := bufio.NewReader(response.Body); len(followed) < least; {
		line, err := events.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d lines: %v", len(followed), err)
		}
		followed = append(followed, numbers(t, line)...)
	}
	return followed
}
