package docker

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/docker/docker/pkg/jsonmessage"
)

// eachMessage hands the engine's messages to take until the stream ends. A failure comes
// inside a response that began as a success: it is returned as a *jsonmessage.JSONError.
func eachMessage(stream io.Reader, take func(*jsonmessage.JSONMessage) error) error {
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
