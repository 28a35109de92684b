package traefik

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func readFallback(t *testing.T, folder string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, tlsFolder, fallbackName))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFallback_IsKeptUntilItsLastYear(t *testing.T) {
	folder, now := t.TempDir(), time.Now()
	var texts []string
	for _, at := range []time.Time{now, now.Add(fallbackLife - fallbackRest - time.Hour), now.Add(fallbackLife - fallbackRest + time.Hour)} {
		if err := ensureFallback(folder, at); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, readFallback(t, folder))
	}
	if texts[0] != texts[1] {
		t.Error("a good certificate was replaced")
	}
	if texts[1] == texts[2] {
		t.Error("an old certificate was kept")
	}
}

func TestFallback_ReplacesAFileThatIsNoCertificate(t *testing.T) {
	folder := t.TempDir()
	if err := ensureFallback(folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, tlsFolder, fallbackName), []byte("half a f"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ensureFallback(folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	if readFallback(t, folder) == "half a f" {
		t.Error("it was kept")
	}
}

func TestFallback_KeyIsForItsOwnerOnly(t *testing.T) {
	folder := t.TempDir()
	if err := ensureFallback(folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	information, err := os.Stat(filepath.Join(folder, tlsFolder, fallbackName))
	if err != nil || information.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", information.Mode(), err)
	}
}
