// Package smalldisk gives tests a real disk that is soon full.
package smalldisk

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Mount returns a folder that is a disk of so many bytes, until the test ends. Only root
// can mount one: for others the test is skipped.
func Mount(t testing.TB, bytes int) (folder string) {
	t.Helper()
	folder = t.TempDir()
	MountOn(t, folder, bytes)
	return folder
}

// MountOn is Mount over a folder that is there.
func MountOn(t testing.TB, folder string, bytes int) {
	t.Helper()
	err := syscall.Mount("none", folder, "tmpfs", 0, "size="+strconv.Itoa(bytes))
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("no right to mount a small disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
}

// Fill writes a file until the disk of the folder is full. The returned function removes it.
func Fill(t testing.TB, folder string) (free func()) {
	t.Helper()
	path := filepath.Join(folder, "filling")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	page := make([]byte, 4096)
	for err == nil {
		_, err = file.Write(page)
	}
	if closeErr := file.Close(); !errors.Is(err, syscall.ENOSPC) || closeErr != nil {
		t.Fatal(err, closeErr)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
