package pack

import (
	"fmt"

	"berth/controller/printable"
	"berth/controller/problem"
)

// Limits bound what one push brings, and what the objects of a repository may take. A zero
// field allows nothing.
type Limits struct {
	PackBytes   int64 // of a pack as it comes
	Objects     int   // of a pack
	ObjectBytes int64 // of one object
	DeltaBytes  int64 // of an object that comes as a difference to another, and of that other one
	WorkBytes   int64 // that are expanded until the name of each object is known
	Depth       int   // differences to differences

	StoreBytes   int64 // of all packs; more means that they are full
	StoreObjects int
	StorePacks   int
}

// DefaultLimits returns the figures of the documentation.
func DefaultLimits() Limits {
	return Limits{
		PackBytes:    256 << 20,
		Objects:      200_000,
		ObjectBytes:  256 << 20,
		DeltaBytes:   32 << 20,
		WorkBytes:    8 << 30,
		Depth:        250,
		StoreBytes:   1 << 30,
		StoreObjects: 400_000,
		StorePacks:   200,
	}
}

const (
	hintShallow = "Push from a shallow clone (git clone --depth 1), or leave out of the history what the app does not need."
	hintAgain   = "Push again. If it happens again, run git fsck in your repository."
)

func tooManyBytes(limit int64) error {
	return problem.TooLarge(fmt.Sprintf("The push is larger than %s.", printable.Size(limit)), hintShallow)
}

func tooManyObjects(limit int) error {
	return problem.TooLarge(fmt.Sprintf("The push has more than %d objects.", limit), hintShallow)
}

func tooLargeObject(limit int64) error {
	return problem.TooLarge(fmt.Sprintf("A file of the push is larger than %s.", printable.Size(limit)), "Leave the file out of the history, and have the build fetch it.")
}

func tooLargeDelta(limit int64) error {
	return problem.TooLarge(
		fmt.Sprintf("The push sends a file of more than %s as the difference to another one.", printable.Size(limit)),
		"Run: git config core.bigFileThreshold 16m && git repack -a -d -F. Then push again.",
	)
}

func tooMuchWork(limit int64) error {
	return problem.TooLarge(fmt.Sprintf("The push is larger than %s when expanded.", printable.Size(limit)), hintShallow)
}

func tooDeep(limit int) error {
	return problem.TooLarge(fmt.Sprintf("The push has chains of more than %d differences.", limit), "Run: git repack -a -d -F --depth=50. Then push again.")
}

// damaged is about a pack that git did not make, or that was cut on its way.
func damaged(what string, cause error) error {
	return problem.Invalid("The push is damaged: "+what+".", hintAgain).Because(cause)
}
