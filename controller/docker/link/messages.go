package link

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/docker/docker/pkg/jsonmessage"
)

// EachMessage hands the engine's messages to take until the stream ends. A failure comes
// inside a response that began as a success: it is returned as a *jsonmessage.JSONError.
func EachMessage(stream io.Reader, take func(*jsonmessage.JSONMessage) error) error {
	for decoder := json.NewDecoder(stream); ; {
		var message jsonmessage.JSONMessage
		err := decoder.Decode(&message)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case message.Error != nil:
			return message.Error
		}
		if err := take(&message); err != nil {
			return err
		}
	}
}

// ImportResult reads the messages of an import to their end.
func ImportResult(messages io.Reader) error {
	return EachMessage(messages, func(*jsonmessage.JSONMessage) error { return nil })
}

// PartialLimit is how many bytes of a line without an end are held back.
const PartialLimit = 64 << 10

// LastDrawn returns what a terminal would show of a line that a progress bar
// drew again and again, going back to its start each time.
func LastDrawn(line string) string {
	line = strings.TrimRight(line, "\r")
	return line[strings.LastIndexByte(line, '\r')+1:]
}
