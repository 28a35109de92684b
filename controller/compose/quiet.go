package compose

import (
	"io"

	"github.com/sirupsen/logrus"
)

// The library writes warnings to a logger of the whole process. What it warns of is a
// note or a refusal here, with its line.
var _ = func() bool {
	logrus.SetOutput(io.Discard)
	return true
}()
