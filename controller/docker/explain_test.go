package docker

import (
	"strings"
	"testing"
)

func TestBlame_NamesWhatIsWrongWithTheImage(t *testing.T) {
	for text, want := range map[string]string{
		`No command specified`: "The image has no command to run",
		`OCI runtime create failed: exec: "/nope": stat /nope: no such file or directory: unknown`:  `The image's command "/nope" is not in the image.`,
		`OCI runtime create failed: exec: \"serve\": executable file not found in $PATH: unknown`:   `The image's command "serve" is not in the image.`,
		`exec: "/data.txt": permission denied: unknown`:                                             `The image's command "/data.txt" is not executable.`,
		`unable to find user ghost: no matching entries in passwd file`:                             `The image wants to run as the user "ghost"`,
		`error while creating mount source path: mkdir: some other fault of the engine: no matches`: ``,
	} {
		if got := blame(text); !strings.HasPrefix(got, want) || got == "" != (want == "") {
			t.Errorf("blame(%q) = %q, want %q", text, got, want)
		}
	}
}
