package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"

	"berth/controller/problem"
	"berth/controller/secret"
)

// The headers that prove who sends.
const (
	headerGitHub  = "X-Hub-Signature-256"
	headerGitea   = "X-Gitea-Signature"
	headerForgejo = "X-Forgejo-Signature"
	headerGitLab  = "X-Gitlab-Token"
	headerGeneric = "X-Berth-Signature"
)

// proof is a way to prove that the sender knows the secret.
type proof struct {
	header   string
	provider Provider
	holds    func(value string, body []byte, key secret.Text) bool
}

// Gitea and Forgejo send GitHub's header too, so the later line says the provider.
var proofs = []proof{
	{headerGitHub, GitHub, isPrefixedHMAC},
	{headerGitea, Gitea, isHMAC},
	{headerForgejo, Gitea, isHMAC},
	{headerGitLab, GitLab, isSecret},
	{headerGeneric, Generic, isPrefixedHMAC},
}

// prove returns the provider whose proofs the delivery has. Each proof that is there must
// hold, and none of another family may be there.
func prove(header http.Header, body []byte, key secret.Text) (provider Provider, err error) {
	for _, proof := range proofs {
		values := header.Values(proof.header)
		switch {
		case len(values) == 0:
			continue
		case len(values) > 1:
			return "", twice(proof.header)
		case provider != "" && provider != proof.provider && (provider != GitHub || proof.provider != Gitea):
			return "", problem.Malformed("The delivery has signatures of two git hosts.", "Send one: "+proof.header+" or that of the other.")
		case key == "" || !proof.holds(values[0], body, key):
			return "", problem.Unauthorized("The header "+proof.header+" does not fit the secret of the webhook.", "Copy the secret from the app's page into the webhook at the git host again, or make a new one.")
		}
		provider = proof.provider
	}
	if provider == "" {
		return "", problem.Unauthorized("The delivery is not signed.", "Give the webhook at the git host the secret that the app's page showed, or make a new one.")
	}
	return provider, nil
}

// Sign is the value of X-Berth-Signature for a body.
func Sign(body []byte, key secret.Text) string {
	return hmacPrefix + hex.EncodeToString(hmacOf(body, key))
}

const hmacPrefix = "sha256="

func isPrefixedHMAC(value string, body []byte, key secret.Text) bool {
	digits, isSHA256 := strings.CutPrefix(value, hmacPrefix)
	return isSHA256 && isHMAC(digits, body, key)
}

func isHMAC(value string, body []byte, key secret.Text) bool {
	claimed, err := hex.DecodeString(value)
	return err == nil && hmac.Equal(claimed, hmacOf(body, key))
}

func hmacOf(body []byte, key secret.Text) []byte {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// isSecret compares hashes, so that the time tells nothing of the secret's length either.
func isSecret(value string, _ []byte, key secret.Text) bool {
	claimed, want := sha256.Sum256([]byte(value)), sha256.Sum256([]byte(key.Reveal()))
	return subtle.ConstantTimeCompare(claimed[:], want[:]) == 1
}
