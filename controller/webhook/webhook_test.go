package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"berth/controller/problem"
	"berth/controller/secret"
)

const (
	key      = secret.Text("0123456789abcdef0123456789abcdef")
	otherKey = secret.Text("fedcba9876543210fedcba9876543210")
	commit   = "8f9fcc8c0f3c7b3a0a4f0d3b1c5e6d7f8a9b0c1d"
	zeros    = "0000000000000000000000000000000000000000"
)

// sender is how one git host sends.
type sender struct {
	provider Provider
	body     func(ref, after string) string
	events   []string // headers
	push     string
	sign     func(header http.Header, body []byte, key secret.Text)
	proof    string // the header with the proof
}

func digits(body []byte, key secret.Text) string { return hex.EncodeToString(hmacOf(body, key)) }

func githubBody(ref, after string) string {
	return fmt.Sprintf(`{"ref":%q,"before":%q,"after":%q,"deleted":%t,"repository":{"id":1,"full_name":"ann/shop","clone_url":"https://git.example.com/ann/shop.git","ssh_url":"git@git.example.com:ann/shop.git","html_url":"https://git.example.com/ann/shop"},"commits":[]}`, ref, zeros, after, after == zeros)
}

func gitlabBody(ref, after string) string {
	return fmt.Sprintf(`{"object_kind":"push","event_name":"push","ref":%q,"before":%q,"after":%q,"project":{"git_http_url":"https://git.example.com/ann/shop.git","git_ssh_url":"git@git.example.com:ann/shop.git","web_url":"https://git.example.com/ann/shop"}}`, ref, zeros, after)
}

func genericBody(ref, after string) string {
	return fmt.Sprintf(`{"ref":%q,"commit":%q,"repository":"https://git.example.com/ann/shop"}`, ref, after)
}

func senders() []sender {
	return []sender{
		{GitHub, githubBody, []string{"X-GitHub-Event"}, "push", func(h http.Header, body []byte, key secret.Text) {
			h.Set(headerGitHub, hmacPrefix+digits(body, key))
		}, headerGitHub},
		{Gitea, githubBody, []string{"X-Gitea-Event", "X-Gogs-Event", "X-GitHub-Event"}, "push", func(h http.Header, body []byte, key secret.Text) {
			h.Set(headerGitea, digits(body, key))
			h.Set(headerGitHub, hmacPrefix+digits(body, key))
		}, headerGitea},
		{Gitea, githubBody, []string{"X-Forgejo-Event", "X-Gitea-Event", "X-GitHub-Event"}, "push", func(h http.Header, body []byte, key secret.Text) {
			h.Set(headerForgejo, digits(body, key))
			h.Set(headerGitea, digits(body, key))
			h.Set(headerGitHub, hmacPrefix+digits(body, key))
		}, headerForgejo},
		{GitLab, gitlabBody, []string{"X-Gitlab-Event"}, "Push Hook", func(h http.Header, _ []byte, key secret.Text) {
			h.Set(headerGitLab, key.Reveal())
		}, headerGitLab},
		{Generic, genericBody, nil, "", func(h http.Header, body []byte, key secret.Text) {
			h.Set(headerGeneric, Sign(body, key))
		}, headerGeneric},
	}
}

func (s sender) request(body string, key secret.Text) (http.Header, []byte) {
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	for _, event := range s.events {
		header.Set(event, s.push)
	}
	s.sign(header, []byte(body), key)
	return header, []byte(body)
}

func each(t *testing.T, run func(t *testing.T, s sender)) {
	for _, s := range senders() {
		t.Run(s.proof, func(t *testing.T) { run(t, s) })
	}
}

func TestRead_ReadsThePushOfEachProvider(t *testing.T) {
	each(t, func(t *testing.T, s sender) {
		got, err := Read(s.requestOf("refs/heads/main", commit))
		if err != nil || got.Provider != s.provider || got.Push == nil {
			t.Fatalf("got %+v, %v", got, err)
		}
		branch, isBranch := got.Push.Branch()
		if branch != "main" || !isBranch || got.Push.Commit.String() != commit || got.Push.Deleted() {
			t.Errorf("got %+v", got.Push)
		}
		if !got.Push.IsOf("https://git.example.com/ann/shop.git") || got.Push.IsOf("https://git.example.com/ann/shop2.git") {
			t.Errorf("the repository is %v", got.Push.Repositories)
		}
	})
}

func (s sender) requestOf(ref, after string) (http.Header, []byte, secret.Text) {
	header, body := s.request(s.body(ref, after), key)
	return header, body, key
}

func TestRead_TellsTagsAndDeletionsApart(t *testing.T) {
	each(t, func(t *testing.T, s sender) {
		tag, err := Read(s.requestOf("refs/tags/v1", commit))
		if err != nil {
			t.Fatal(err)
		}
		if _, isBranch := tag.Push.Branch(); isBranch {
			t.Error("a tag counts as a branch")
		}
		gone, err := Read(s.requestOf("refs/heads/main", zeros))
		if err != nil || !gone.Push.Deleted() {
			t.Errorf("a deletion is read as %+v, %v", gone.Push, err)
		}
	})
}

func TestRead_LeavesOtherEventsAlone(t *testing.T) {
	each(t, func(t *testing.T, s sender) {
		if len(s.events) == 0 {
			t.Skip("this provider sends pushes alone")
		}
		header, body := s.request(`{"zen":"x"}`, key)
		for _, event := range s.events {
			header.Set(event, "ping")
		}
		got, err := Read(header, body, key)
		if err != nil || got.Push != nil || got.Event != "ping" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestRead_RefusesForgeries(t *testing.T) {
	forgeries := map[string]func(s sender, h http.Header, body *[]byte){
		"no proof": func(_ sender, h http.Header, _ *[]byte) { dropProofs(h) },
		"an empty proof": func(s sender, h http.Header, _ *[]byte) {
			dropProofs(h)
			h.Set(s.proof, "")
		},
		"the proof of an empty secret": func(s sender, h http.Header, body *[]byte) {
			dropProofs(h)
			s.sign(h, *body, "")
		},
		"the proof of another app's secret": func(s sender, h http.Header, body *[]byte) {
			dropProofs(h)
			s.sign(h, *body, otherKey)
		},
		"the beginning of the proof": func(s sender, h http.Header, _ *[]byte) { h.Set(s.proof, h.Get(s.proof)[:len(h.Get(s.proof))-2]) },
		"more behind the proof":      func(s sender, h http.Header, _ *[]byte) { h.Set(s.proof, h.Get(s.proof)+"00") },
		"a space behind the proof":   func(s sender, h http.Header, _ *[]byte) { h.Set(s.proof, h.Get(s.proof)+" ") },
		"the proof in a list":        func(s sender, h http.Header, _ *[]byte) { h.Set(s.proof, "x, "+h.Get(s.proof)) },
		"the header twice":           func(s sender, h http.Header, _ *[]byte) { h.Add(s.proof, h.Get(s.proof)) },
		"a wrong one before the right one": func(s sender, h http.Header, _ *[]byte) {
			h[http.CanonicalHeaderKey(s.proof)] = []string{"sha256=" + strings.Repeat("0", 64), h.Get(s.proof)}
		},
		"SHA-1":   func(s sender, h http.Header, body *[]byte) { other(s, h, "sha1=", sha1Of(*body)) },
		"SHA-512": func(s sender, h http.Header, body *[]byte) { other(s, h, "sha512=", sha512Of(*body)) },
		"SHA-1 in the old header alone": func(_ sender, h http.Header, body *[]byte) {
			dropProofs(h)
			h.Set("X-Hub-Signature", "sha1="+hex.EncodeToString(sha1Of(*body)))
		},
		"base64 in place of digits": func(s sender, h http.Header, body *[]byte) {
			h.Set(s.proof, "sha256="+base64.StdEncoding.EncodeToString(hmacOf(*body, key)))
		},
		"the plain hash of the body": func(s sender, h http.Header, body *[]byte) {
			h.Set(s.proof, "sha256="+sumOf(Generic, h, *body))
		},
		"the proofs of two hosts": func(s sender, h http.Header, body *[]byte) {
			if s.provider == GitLab {
				h.Set(headerGeneric, Sign(*body, key))
			} else {
				h.Set(headerGitLab, key.Reveal())
			}
		},
		"a wrong proof beside the right one": func(_ sender, h http.Header, body *[]byte) { h.Set(headerForgejo, digits(*body, otherKey)) },
		"an HMAC as the token of GitLab": func(_ sender, h http.Header, body *[]byte) {
			dropProofs(h)
			h.Set(headerGitLab, digits(*body, key))
		},
		"the secret itself as an HMAC": func(_ sender, h http.Header, _ *[]byte) {
			dropProofs(h)
			h.Set(headerGitHub, "sha256="+key.Reveal())
		},
		"digits without their prefix": func(_ sender, h http.Header, body *[]byte) {
			dropProofs(h)
			h.Set(headerGitHub, digits(*body, key))
		},
	}
	each(t, func(t *testing.T, s sender) {
		for name, forge := range forgeries {
			header, body := s.request(s.body("refs/heads/main", commit), key)
			forge(s, header, &body)
			refused(t, name, header, body, key)
		}
	})
}

func TestRead_RefusesAChangedBody(t *testing.T) {
	each(t, func(t *testing.T, s sender) {
		if s.provider == GitLab {
			t.Skip("GitLab signs nothing: who knows its token may write any body")
		}
		header, body := s.request(s.body("refs/heads/main", commit), key)
		for at := range body {
			changed := bytes.Clone(body)
			changed[at] ^= 1
			refused(t, fmt.Sprintf("byte %d changed", at), header, changed, key)
		}
		refused(t, "a body that ends early", header, body[:len(body)-1], key)
		refused(t, "a longer body", header, append(body, ' '), key)
		refused(t, "no body", header, nil, key)
	})
}

func TestRead_RefusesEverythingWhileThereIsNoSecret(t *testing.T) {
	each(t, func(t *testing.T, s sender) {
		header, body := s.request(s.body("refs/heads/main", commit), "")
		refused(t, "an empty secret on both sides", header, body, "")
	})
}

func dropProofs(h http.Header) {
	for _, proof := range proofs {
		h.Del(proof.header)
	}
}

func other(s sender, h http.Header, prefix string, sum []byte) {
	if s.proof != headerGitHub && s.proof != headerGeneric {
		prefix = ""
	}
	h.Set(s.proof, prefix+hex.EncodeToString(sum))
}

func sha1Of(body []byte) []byte {
	mac := hmac.New(sha1.New, []byte(key.Reveal()))
	mac.Write(body)
	return mac.Sum(nil)
}

func sha512Of(body []byte) []byte {
	mac := hmac.New(sha512.New, []byte(key.Reveal()))
	mac.Write(body)
	return mac.Sum(nil)
}

func refused(t *testing.T, name string, header http.Header, body []byte, key secret.Text) {
	t.Helper()
	got, err := Read(header, body, key)
	if kind := problem.KindOf(err); kind != problem.KindUnauthorized && kind != problem.KindMalformed {
		t.Errorf("%s: got %+v, %v", name, got, err)
	}
	if err != nil && key != "" && strings.Contains(err.Error(), key.Reveal()) {
		t.Errorf("%s: the error tells the secret: %v", name, err)
	}
}

func TestRead_RefusesWhatIsSignedAndNoPush(t *testing.T) {
	each(t, func(t *testing.T, s sender) {
		for name, text := range map[string]string{
			"no JSON": "payload=x", "a list": "[]", "nothing": "{}", "null": "null",
			"a short commit": s.body("refs/heads/main", "8f9fcc8"), "no ref": s.body("", commit),
			"no repository": `{"object_kind":"push","ref":"refs/heads/main","after":"` + commit + `","commit":"` + commit + `"}`,
		} {
			header, body := s.request(text, key)
			if _, err := Read(header, body, key); problem.KindOf(err) != problem.KindMalformed {
				t.Errorf("%s: %v", name, err)
			}
		}
		header, body := s.request(s.body("refs/heads/main", commit)+strings.Repeat(" ", MostBody), key)
		if _, err := Read(header, body, key); problem.KindOf(err) != problem.KindTooLarge {
			t.Errorf("a large body: %v", err)
		}
	})
}

// A form would read the text of a commit, which anybody may write, as the payload.
func TestRead_ReadsNoForms(t *testing.T) {
	each(t, func(t *testing.T, s sender) {
		for _, kind := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""} {
			header, body := s.request(s.body("refs/heads/main", commit), key)
			header.Set("Content-Type", kind)
			if _, err := Read(header, body, key); problem.KindOf(err) != problem.KindInvalid {
				t.Errorf("%q: %v", kind, err)
			}
		}
	})
}

// The names in headers are not signed: a captured delivery under a new name is the same.
func TestRead_KnowsADeliveryAgain(t *testing.T) {
	each(t, func(t *testing.T, s sender) {
		header, body := s.request(s.body("refs/heads/main", commit), key)
		one, err := Read(header, body, key)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range forms[s.provider].names {
			header.Set(name, "72d3162e-cc78-11e3-81ab-4c9367dc0958")
		}
		again, err := Read(header, body, key)
		if err != nil {
			t.Fatal(err)
		}
		if isSame := again.Sum == one.Sum; isSame == (s.provider == GitLab) {
			t.Errorf("the sums are %s and %s", one.Sum, again.Sum)
		}
		if s.provider != Generic && again.Name != "72d3162e-cc78-11e3-81ab-4c9367dc0958" {
			t.Errorf("its name is %q", again.Name)
		}
		next, err := Read(s.requestOf("refs/heads/next", commit))
		if err != nil || next.Sum == one.Sum {
			t.Errorf("another push counts as the same: %v", err)
		}
	})
}

func TestIsOf_ComparesHostsAndWholePaths(t *testing.T) {
	cases := []struct {
		told, address string
		want          bool
	}{
		{"https://git.example.com/ann/shop.git", "https://git.example.com/ann/shop", true},
		{"https://git.example.com/ann/shop", "https://GIT.example.com/Ann/Shop.git/", true},
		{"git@git.example.com:ann/shop.git", "https://git.example.com/ann/shop.git", true},
		{"ssh://git@git.example.com:2222/ann/shop.git", "https://git.example.com:8443/ann/shop.git", true},
		{"http://git.example.com:3000/ann/shop.git", "https://git.example.com/ann/shop.git", true},
		{"https://git.example.com/ann/shop-2.git", "https://git.example.com/ann/shop.git", false},
		{"https://git.example.com/bob/ann/shop.git", "https://git.example.com/ann/shop.git", false},
		{"https://git.example.com.evil.example/ann/shop.git", "https://git.example.com/ann/shop.git", false},
		{"https://git.example.com@evil.example/ann/shop.git", "https://git.example.com/ann/shop.git", false},
		{"https://evil.example/?https://git.example.com/ann/shop.git", "https://git.example.com/ann/shop.git", false},
		{"/ann/shop.git", "https://git.example.com/ann/shop.git", false},
		{"", "", false},
	}
	for _, c := range cases {
		if got := (Push{Repositories: []string{"https://x.example/y", c.told}}).IsOf(c.address); got != c.want {
			t.Errorf("%s is %s: %v", c.told, c.address, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for at, s := range senders() {
		f.Add(at, s.body("refs/heads/main", commit))
	}
	f.Fuzz(func(t *testing.T, at int, text string) {
		all := senders()
		s := all[uint(at)%uint(len(all))]
		header, body := s.request(text, key)
		got, err := Read(header, body, key)
		if _, worded := errors.AsType[*problem.Problem](err); err != nil && !worded {
			t.Errorf("no words for %v", err)
		}
		if err == nil && got.Push == nil {
			t.Errorf("a push is not read: %+v", got)
		}
	})
}
