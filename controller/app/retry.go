package app

// CanRetry reports whether the release can be tried again: what it was made of is kept.
func (r Release) CanRetry() bool {
	ended := r.State == ReleaseFailed || r.State == ReleaseCancelled
	return ended && (r.Archive != "" || r.Reference != "" || r.RollbackOf != 0)
}
