package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"berth/controller/archive"
	"berth/test/stack"
)

// unzipGoal is ZIP-to-tar's throughput over that of unzip on the same archive.
const unzipGoal = 1.0

// measureUnzip: streaming a tar out of a ZIP, against unzip to a folder.
func (b *bench) measureUnzip() error {
	folder, err := os.MkdirTemp("", "berth-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "tree.zip")
	if err := writeTree(file); err != nil {
		return err
	}
	var ours, theirs []time.Duration
	for round := range b.rounds {
		target := filepath.Join(folder, fmt.Sprint(round))
		began := time.Now()
		if out, err := exec.CommandContext(b.ctx, "unzip", "-q", file, "-d", target).CombinedOutput(); err != nil {
			return fmt.Errorf("unzip: %w: %s", err, out)
		}
		theirs = append(theirs, time.Since(began))
		_ = os.RemoveAll(target)
		began = time.Now()
		if err := toTar(b.ctx, file); err != nil {
			return err
		}
		ours = append(ours, time.Since(began))
	}
	ratio := median(ratios(theirs, ours))
	b.report(ratio >= unzipGoal, "ZIP to tar: %.2f times the throughput of unzip (goal %.1f); Berth %s, unzip %s",
		ratio, unzipGoal, milliseconds(median(ours)), milliseconds(median(theirs)))
	return nil
}

func toTar(ctx context.Context, file string) error {
	tree, err := archive.Open(file, archive.DefaultLimits())
	if err != nil {
		return err
	}
	defer tree.Close()
	return tree.WriteTar(ctx, io.Discard, func(archive.Entry) bool { return true })
}

// writeTree makes a ZIP of about 100 MB as projects have it: many small texts, some large binaries.
func writeTree(file string) error {
	random := rand.New(rand.NewPCG(1, 2))
	files := make(map[string][]byte)
	words := []string{"func ", "return ", "if err != nil ", "package ", "{\n", "}\n", "value", "name", " := ", "\t"}
	for i := range 3000 {
		var text []byte
		for len(text) < 8<<10 {
			text = append(text, words[random.IntN(len(words))]...)
		}
		files[fmt.Sprintf("source/%d/%d.go", i/100, i)] = text
	}
	for i := range 8 {
		binary := make([]byte, 10<<20)
		for j := range binary {
			binary[j] = byte(random.IntN(64)) // compresses a little, as programs do
		}
		files[fmt.Sprintf("assets/%d.bin", i)] = binary
	}
	content, err := stack.Zip(files)
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}
