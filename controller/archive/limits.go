// Package archive turns an untrusted ZIP or tar, which may be compressed, into a validated, bounded, read-only tree.
//
// Nothing is ever unpacked to disk. Open checks every name, kind, size and link, and
// WriteTar streams the accepted entries into a tar. The archive's declarations are
// claims: names are checked before use, sizes are counted while content flows, and a lie
// ends the stream with a Refusal. Pack does the reverse: it makes such an archive of a
// folder.
package archive

// Limits bounds an archive. A zero field allows nothing.
type Limits struct {
	CompressedBytes int64 // size of the archive itself
	ExpandedBytes   int64 // of all its entries together; for a tar, of the tar itself
	Entries         int   // all listed entries, skipped ones too; implied folders may be as many again
	Ratio           int64 // expanded over compressed bytes, of the whole archive
	PathBytes       int   // of an entry's name, and of a symbolic link's target
	PathDepth       int   // folders and file in an entry's name
	NameBytes       int   // of all names and link targets together, with those of implied folders
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
