package images

// BuildError says that a build ended without an image. Message and Hint are
// whole sentences that are safe to show; Lines are the last ones of the log.
type BuildError struct {
	Lines   []string
	Message string
	Hint    string // empty where there is no better advice than the log
}

// Error gives the message alone; the log has been written line by line.
func (e *BuildError) Error() string { return "build image: " + e.Message }
