package archive

import (
	"fmt"

	"berth/controller/printable"
)

// Hints that several refusals share.
const (
	hintPackAgain = "Make the archive again with an ordinary tool, such as `zip -r app.zip .` in the app's folder."
	hintRename    = "Rename the file and make the archive again."
	hintSmaller   = "Leave out what the build does not need, such as dependencies, build output and data."
)

// Refusal says why an archive is not accepted. Entry is printable whatever the
// archive held; Reason and Hint are whole sentences, safe to show.
type Refusal struct {
	Entry  string // name in the archive; empty where the whole archive is at fault
	Line   int    // in Entry, from 1; 0 where no one line is at fault
	Reason string
	Hint   string // the next step
}

// Error gives the place and the reason on one line.
func (r *Refusal) Error() string {
	switch {
	case r.Entry == "":
		return r.Reason
	case r.Line == 0:
		return r.Entry + ": " + r.Reason
	default:
		return fmt.Sprintf("%s, line %d: %s", r.Entry, r.Line, r.Reason)
	}
}

func refuse(name, reason, hint string) *Refusal {
	return &Refusal{Entry: printable.Name(name, nameBytes), Reason: reason, Hint: hint}
}

func refuseSize(limit int64) *Refusal {
	return refuse("", fmt.Sprintf("The archive holds more than %s when expanded.", bytesText(limit)), hintSmaller)
}

func refuseRatio(limit int64) *Refusal {
	return refuse("",
		fmt.Sprintf("The archive expands to more than %d times its own size, as only a bomb or empty filler does.", limit),
		"Leave out files that hold little but repetition, such as empty disk images.")
}

func refuseCount(limit int) *Refusal {
	return refuse("", fmt.Sprintf("The archive has more than %d entries.", limit), hintSmaller)
}

func refuseNames(limit int) *Refusal {
	return refuse("", fmt.Sprintf("The names and links of the archive are longer than %s together.", bytesText(int64(limit))), hintSmaller)
}

func refuseDamaged(name string) *Refusal {
	return refuse(name, "The content is damaged: it does not match its checksum or does not expand.", hintPackAgain)
}

// nameBytes is the longest name that a Refusal shows whole.
const nameBytes = 120

func bytesText(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KB", n>>10)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}
