package link

import (
	"io"

	"github.com/docker/docker/pkg/stdcopy"
)

// Answers is what an attached container prints on its standard output, out of the engine's
// stream of both outputs. It ends with the stream.
func Answers(stream io.Reader) io.ReadCloser {
	answers, writer := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(writer, io.Discard, stream)
		_ = writer.CloseWithError(err)
	}()
	return answers
}
