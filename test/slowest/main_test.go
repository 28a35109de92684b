package main

import (
	"strings"
	"testing"
)

const passed = `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestQuick_One"}
{"Action":"output","Package":"a","Test":"TestQuick_One","Output":"=== RUN   TestQuick_One\n"}
{"Action":"output","Package":"a","Test":"TestQuick_One","Output":"    a_test.go:1: a note\n"}
{"Action":"output","Package":"a","Test":"TestQuick_One","Output":"--- PASS: TestQuick_One (0.50s)\n"}
{"Action":"pass","Package":"a","Test":"TestQuick_One","Elapsed":0.5}
{"Action":"output","Package":"a","Output":"a word on standard output\n"}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.512s\n"}
{"Action":"pass","Package":"a","Elapsed":0.512}
`

const failed = `{"Action":"run","Package":"b","Test":"TestSlow_One"}
{"Action":"run","Package":"b","Test":"TestSlow_One/part"}
{"Action":"output","Package":"b","Test":"TestSlow_One/part","Output":"    b_test.go:7: got 1\n"}
{"Action":"output","Package":"b","Test":"TestSlow_One/part","Output":"    --- FAIL: TestSlow_One/part (2.00s)\n"}
{"Action":"fail","Package":"b","Test":"TestSlow_One/part","Elapsed":2}
{"Action":"output","Package":"b","Test":"TestSlow_One","Output":"--- FAIL: TestSlow_One (2.25s)\n"}
{"Action":"fail","Package":"b","Test":"TestSlow_One","Elapsed":2.25}
{"Action":"run","Package":"b","Test":"TestHung_One"}
{"Action":"output","Package":"b","Test":"TestHung_One","Output":"panic: test timed out\n"}
{"Action":"output","Package":"b","Output":"FAIL\tb\t3s\n"}
{"Action":"fail","Package":"b","Elapsed":3}
`

func TestSlowest_ShowsFailuresInFullAndOfTheRestTheResult(t *testing.T) {
	const built = `{"ImportPath":"c","Action":"build-output","Output":"c.go:1:1: expected 'package'\n"}` + "\nwhat go says\n"
	const want = `ok  	a	0.512s
--- FAIL: TestSlow_One (2.25s)
    --- FAIL: TestSlow_One/part (2.00s)
    b_test.go:7: got 1
panic: test timed out
FAIL	b	3s
c.go:1:1: expected 'package'
what go says

The slowest tests:
    2.25s  b  TestSlow_One
    500ms  a  TestQuick_One
`
	wantReport(t, passed+failed+built, want)
}

func TestSlowest_ShowsWhatWasUnderWayWhenItsInputEnds(t *testing.T) {
	head, _, _ := strings.Cut(failed, `{"Action":"output","Package":"b","Output":"FAIL`)
	const want = `--- FAIL: TestSlow_One (2.25s)
    --- FAIL: TestSlow_One/part (2.00s)
    b_test.go:7: got 1
panic: test timed out

The slowest tests:
    2.25s  b  TestSlow_One
`
	wantReport(t, head, want)
}

func wantReport(t *testing.T, in, want string) {
	t.Helper()
	var out strings.Builder
	if err := run(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("printed\n%s\nnot\n%s", out.String(), want)
	}
}

func TestSlowest_ATestTakesAsLongAsItsLongestPart(t *testing.T) {
	const in = `{"Action":"pass","Package":"a","Test":"TestMany_Parts/one","Elapsed":4}
{"Action":"pass","Package":"a","Test":"TestMany_Parts/two","Elapsed":7}
{"Action":"pass","Package":"a","Test":"TestMany_Parts","Elapsed":0}
`
	wantReport(t, in, "\nThe slowest tests:\n       7s  a  TestMany_Parts\n")
}
