package app

// Pinned identifies an image: by the digest of its registry, or by the engine's id if
// there is no digest.
func Pinned(digest, id string) string {
	if digest != "" {
		return digest
	}
	return id
}

// Pinned is the image that the release runs, whatever its tag means now. It is empty for
// a built image, and before the image is there.
func (r Release) Pinned() string {
	if r.Reference == "" {
		return ""
	}
	return Pinned(r.Digest, r.Image)
}
