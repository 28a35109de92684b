package app

// CanRetry reports whether the release can be tried again: its archive, image or earlier
// release still exists.
func (r Release) CanRetry() bool {
	ended := r.State == ReleaseFailed || r.State == ReleaseCancelled
	return ended && (r.Archive != "" || r.Reference != "" || r.RollbackOf != 0)
}

// MadeAs reports whether two releases come from the same archive, image or earlier
// release.
func (r Release) MadeAs(other Release) bool {
	return (r.Archive != "" || r.Reference != "" || r.RollbackOf != 0) && r.Archive == other.Archive &&
		r.Reference == other.Reference && r.RollbackOf == other.RollbackOf &&
		r.NewSettings == other.NewSettings && r.NewEnvironment == other.NewEnvironment
}
