// Package archive turns an untrusted ZIP or tar.gz into a validated, bounded, read-only tree.
//
// Nothing is ever unpacked to disk: Open checks every name, kind, size and link,
// and WriteTar streams what it accepted into a tar. What the archive declares is
// a claim: names are checked before use, sizes are counted while content flows,
// and a lie ends the stream with a Refusal. Pack is the way back: it makes such
// an archive of a folder.
package archive

// Limits bounds what an archive may be. A zero field allows nothing.
type Limits struct {
	CompressedBytes int64 // size of the archive itself
	ExpandedBytes   int64 // of all its entries together; for a tar.gz, of the tar
	Entries         int   // as listed, the skipped ones too; folders that are only implied may be as many again
	Ratio           int64 // expanded over compressed bytes, of the whole archive
	PathBytes       int   // of an entry's name, and of a symbolic link's target
	PathDepth       int   // folders and file in an entry's name
	NameBytes       int   // of all names and links' targets together, with those of folders that are only implied
}

// DefaultLimits returns the figures of "Limits on untrusted input" in the design.
func DefaultLimits() Limits {
	return Limits{
		CompressedBytes: 256 << 20,
		ExpandedBytes:   2 << 30,
		Entries:         50_000,
		Ratio:           200,
		PathBytes:       1024,
		PathDepth:       32,
		NameBytes:       8 << 20,
	}
}
