package secret

import (
	"strings"
	"testing"
)

func TestNewToken_CarriesItsPrefixAndHashesToItsHash(t *testing.T) {
	plain, hash := NewToken()
	if !strings.HasPrefix(plain, TokenPrefix) || len(plain) != len(TokenPrefix)+43 {
		t.Errorf("plain %q", plain)
	}
	if hash != HashToken(plain) || len(hash) != 64 {
		t.Errorf("hash %q", hash)
	}
	if other, _ := NewToken(); other == plain {
		t.Error("two tokens are equal")
	}
}
