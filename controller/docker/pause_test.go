package docker

import (
	"bytes"
	"debug/elf"
	"testing"
)

func TestPauseELF_IsAProgramOfEachArchitecture(t *testing.T) {
	for architecture, known := range pauseCode {
		program, err := pauseELF(architecture)
		if err != nil {
			t.Fatal(err)
		}
		file, err := elf.NewFile(bytes.NewReader(program))
		if err != nil {
			t.Fatalf("%s: %v", architecture, err)
		}
		segment := file.Progs[0]
		if file.Machine != known.machine || segment.Flags&elf.PF_W != 0 || segment.Filesz != uint64(len(program)) {
			t.Errorf("%s: %+v", architecture, segment)
		}
		if code := program[file.Entry-segment.Vaddr:]; !bytes.Equal(code, known.code) {
			t.Errorf("%s begins at % x", architecture, code)
		}
	}
	if _, err := pauseELF("sparc"); err == nil {
		t.Error("there is a program for sparc")
	}
}
