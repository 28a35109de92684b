package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestTable_ShowsNoControlCharacters(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	table := (&program{stdout: &out}).table()
	_, _ = fmt.Fprintf(table, "NAME\tSTATE\n%s\t%s\n", "caf\u00e9 \x1b[2Jgone", "\r\u202egood")
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.ContainsAny(got, "\x1b\r\u202e") || !strings.Contains(got, "caf\u00e9 \ufffd[2Jgone") || strings.Count(got, "\n") != 2 {
		t.Errorf("it printed %q", got)
	}
}
