package docker

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"runtime"
)

// pauseProgram is the path of the program in its image, which holds nothing else.
const pauseProgram = "pause"

// pauseLoad is where the program is loaded.
const pauseLoad = 0x400000

// pauseCode waits for signals for ever, in the machine's own words: a program of
// any language would need a hundred times the memory to do as little.
var pauseCode = map[string]struct {
	machine elf.Machine
	code    []byte
}{
	"amd64": {elf.EM_X86_64, []byte{
		0xb8, 0x22, 0x00, 0x00, 0x00, // mov eax, 34: pause
		0x0f, 0x05, // syscall
		0xeb, 0xf7, // jmp to the beginning
	}},
	"arm64": {elf.EM_AARCH64, []byte{
		0x00, 0x00, 0x80, 0xd2, // mov x0, 0
		0x01, 0x00, 0x80, 0xd2, // mov x1, 0
		0x02, 0x00, 0x80, 0xd2, // mov x2, 0
		0x03, 0x00, 0x80, 0xd2, // mov x3, 0
		0x28, 0x09, 0x80, 0xd2, // mov x8, 73: ppoll of nothing, without an end
		0x01, 0x00, 0x00, 0xd4, // svc 0
		0xfa, 0xff, 0xff, 0x17, // b to the beginning
	}},
}

// pauseTar returns the program as the only file of a tar.
func pauseTar() ([]byte, error) {
	program, err := pauseELF(runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	out := tar.NewWriter(&text)
	if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: pauseProgram, Mode: 0o755, Size: int64(len(program))}); err != nil {
		return nil, fmt.Errorf("pack keeper: %w", err)
	}
	if _, err := out.Write(program); err != nil {
		return nil, fmt.Errorf("pack keeper: %w", err)
	}
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("pack keeper: %w", err)
	}
	return text.Bytes(), nil
}

// pauseELF returns the program for an architecture, as one segment.
func pauseELF(architecture string) ([]byte, error) {
	known, found := pauseCode[architecture]
	if !found {
		return nil, fmt.Errorf("secrets as files are not possible on %s", architecture)
	}
	const headers = 64 + 56 // of the file and of its one segment
	size := uint64(headers + len(known.code))
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(known.machine), Version: uint32(elf.EV_CURRENT),
		Entry: pauseLoad + headers, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	segment := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: pauseLoad, Paddr: pauseLoad,
		Filesz: size, Memsz: size, Align: 0x10000,
	}
	var program bytes.Buffer
	for _, part := range []any{header, segment, known.code} {
		if err := binary.Write(&program, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("write keeper: %w", err)
		}
	}
	return program.Bytes(), nil
}
