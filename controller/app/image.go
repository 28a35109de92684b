package app

// Pinned is what tells an image from every other: the digest of its registry, else
// the engine's id.
func Pinned(digest, id string) string {
	if digest != "" {
		return digest
	}
	return id
}

// Pinned is what an image's release runs, whatever its tag says by now; empty for
// a release that was built, and before the image is there.
func (r Release) Pinned() string {
	if r.Reference == "" {
		return ""
	}
	return Pinned(r.Digest, r.Image)
}
