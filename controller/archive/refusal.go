package archive

import (
	"fmt"

	"berth/controller/printable"
	"berth/controller/problem"
)

// Hints that several refusals share.
const (
	hintPackAgain = "Make the archive again with an ordinary tool, such as `zip -r app.zip .` in the app's folder."
	hintRename    = "Rename the file and make the archive again."
	hintSmaller   = "Leave out what the build does not need, such as dependencies, build output and data."
)

// Refusal says why an archive is not accepted. File is the name of the entry in the
// archive, printable whatever the archive held.
type Refusal = problem.Refusal

func refuse(name, reason, hint string) *Refusal {
	return &Refusal{File: printable.Name(name, nameBytes), Reason: reason, Hint: hint}
}

func refuseSize(limit int64) *Refusal {
	return refuse("", fmt.Sprintf("The archive holds more than %s when expanded.", printable.Size(limit)), hintSmaller)
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
	return refuse("", fmt.Sprintf("The names and links of the archive are longer than %s together.", printable.Size(int64(limit))), hintSmaller)
}

func refuseDamaged(name string) *Refusal {
	return refuse(name, "The content is damaged: it does not match its checksum or does not expand.", hintPackAgain)
}

// nameBytes is the longest name that a Refusal shows whole.
const nameBytes = 120
