package lineends_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"berth/controller/archive/archivetest"
	"berth/controller/lineends"
)

func TestNotes_NameTheScriptsThatLinuxCannotStart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files []string // each with its content
		want  string   // in the note; empty for none
	}{
		"one":              {[]string{"entrypoint.sh", "#!/bin/sh\r\nexec x\r\n"}, "The script entrypoint.sh has"},
		"no ending":        {[]string{"README", "x", "bin/start", "#!/usr/bin/env bash\r\n"}, "The script bin/start has"},
		"two":              {[]string{"a.sh", "#!/bin/sh\r\n", "b.sh", "#!/bin/sh\r\n", "c.sh", "#!/bin/sh\n"}, "The scripts a.sh, b.sh have"},
		"good":             {[]string{"entrypoint.sh", "#!/bin/sh\nexec x\n"}, ""},
		"a text":           {[]string{"README", "Hello\r\n", "notes.sh", "echo\r\n"}, ""},
		"CR further down":  {[]string{"run.sh", "#!/bin/sh\nprintf 'a\\r'\r\n"}, ""},
		"of a tool":        {[]string{"tool.bat", "#!/bin/sh\r\n"}, ""},
		"too large":        {[]string{"run.sh", "#!/bin/sh\r\n" + strings.Repeat("0123456789abcdef", 4<<10), "noise", noise()}, ""},
		"more than a line": {[]string{"1.sh", "#!x\r\n", "2.sh", "#!x\r\n", "3.sh", "#!x\r\n", "4.sh", "#!x\r\n", "5.sh", "#!x\r\n", "6.sh", "#!x\r\n"}, "5.sh and 1 more have"},
	} {
		got, err := lineends.Notes(t.Context(), archivetest.Tree(t, test.files...))
		if err != nil || len(got) > 1 || (len(got) == 1) != (test.want != "") || !strings.Contains(strings.Join(got, ""), test.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// noise keeps an archive from expanding as much as a bomb does.
func noise() string {
	text := make([]byte, 4<<10)
	_, _ = rand.Read(text)
	return string(text)
}
