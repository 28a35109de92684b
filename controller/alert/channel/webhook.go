package channel

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"berth/controller/secret"
)

// webhook posts the message as it is, signed as https://www.standardwebhooks.com says.
type webhook struct {
	post
	address string
}

// Send posts the message.
func (w webhook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	return w.bytes(ctx, w.address, body,
		[2]string{"webhook-id", m.ID}, [2]string{"webhook-timestamp", stamp}, [2]string{"webhook-signature", Sign(w.secret, m.ID, stamp, body)})
}

// Sign is the signature of a message: HMAC-SHA256 over id.timestamp.body. A key that
// begins with whsec_ is the rest of it, as base64.
func Sign(key secret.Text, id, stamp string, body []byte) string {
	raw := []byte(key.Reveal())
	if coded, ok := strings.CutPrefix(key.Reveal(), "whsec_"); ok {
		if decoded, err := base64.StdEncoding.DecodeString(coded); err == nil {
			raw = decoded
		}
	}
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
