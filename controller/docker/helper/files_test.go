package helper

import (
	"bufio"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/pkg/stdcopy"
)

// Whoever gives a download up reads no further, and what was on its way waits to be read.
func TestHelper_WhatNobodyReadsToItsEndWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		helpers := New(nil, "")
		helpers.slots <- struct{}{}
		here, there := net.Pipe()
		h := &helper{helpers: helpers, connection: types.HijackedResponse{Conn: here, Reader: bufio.NewReader(here)}}
		go func() {
			for file := stdcopy.NewStdWriter(there, stdcopy.Stdout); ; {
				if _, err := file.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		}()
		answers := h.output(t.Context())
		if _, err := io.ReadFull(answers, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := h.close(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The bubble ends only where each of its goroutines does.
	})
}
