//go:build integration

package rebirth

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"berth/test/authority"
	"berth/test/claim"
	"berth/test/patience"
	"berth/test/stack"
	"berth/traefik"
)

const (
	storeKey, storeSecret = "key-of-the-house", "secret-of-the-house"
	bucket                = "backups"
	secureHost            = "house.rebirth.example"

	largeFileBytes = 128 << 20
	fewLargeFiles  = 4  // of a volume of 512 MB
	allLargeFiles  = 16 // of one of 2 GB, with variableOfSize
	variableOfSize = "BERTH_TEST_LARGE"
)

// house is what the second server has to be after the restore.
type house struct {
	Place    stack.Place
	Endpoint string            // of the store
	Key      string            // file of the private key
	Answers  map[string]string // by path
	Sums     map[string]string // of the files of the large volume, by name
	Serial   string            // of the certificate
	Roots    []byte            // PEM
}

// variableOfHouse names the file of the house to the test that runs beside the other engine.
const variableOfHouse = "BERTH_TEST_HOUSE"

// startStore runs a real store, which checks signatures, where both engines reach it.
func startStore(t *testing.T, address string) (endpoint string, client *minio.Client) {
	t.Helper()
	ports, err := claim.Ports(address, 1)
	if err != nil {
		t.Fatal(err)
	}
	program, err := filepath.Abs("../../.cache/bin/versitygw")
	if err != nil {
		t.Fatal(err)
	}
	at := net.JoinHostPort(address, ports[0])
	command := exec.Command(program, "--port", at, "posix", t.TempDir())
	command.Env = []string{"ROOT_ACCESS_KEY=" + storeKey, "ROOT_SECRET_KEY=" + storeSecret, "HOME=" + t.TempDir()}
	if err := command.Start(); err != nil {
		t.Fatalf("start the store (scripts/backup-tools builds it): %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	client, err = minio.New(at, &minio.Options{Creds: credentials.NewStaticV4(storeKey, storeSecret, "")})
	if err != nil {
		t.Fatal(err)
	}
	made := patience.Eventually(30*time.Second, func() bool {
		return client.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}) == nil
	})
	if !made {
		t.Fatal("the store does not answer")
	}
	return "http://" + at, client
}

// settle deploys the eight apps of the house, and says what each answers.
func (s *server) settle() map[string]string {
	s.t.Helper()
	ctx := s.t.Context()
	s.must(s.Deploy(ctx, s.token, "book", "/book", s.files()))
	s.must(s.Deploy(ctx, s.token, "secure", secureHost, s.simple("secure")))
	answers := map[string]string{"/book/": "v1"}
	for n := range 6 {
		name := fmt.Sprintf("app-%d", n)
		s.must(s.Deploy(ctx, s.token, name, "/"+name, s.simple("number "+name)))
		answers["/"+name+"/"] = "number " + name
	}
	answers["/book/read?path=/run/secrets/token"] = "of the app"
	for path, text := range answers {
		s.wantVersion(path, text)
	}
	s.send("PATCH", "/apps/app-0/environment", `{"secrets": {"WORD": "of the house"}}`, nil)
	s.send("POST", "/apps/app-0/environment/apply", "{}", nil)
	answers["/app-0/environ"] = "WORD=of the house"
	s.wantVersion("/app-0/environ", answers["/app-0/environ"])
	return answers
}

// fillLarge fills the volume of a database, with what nothing can make smaller.
func (s *server) fillLarge() map[string]string {
	s.t.Helper()
	files := fewLargeFiles
	if os.Getenv(variableOfSize) != "" {
		files = allLargeFiles
	}
	sums := map[string]string{}
	content := make([]byte, largeFileBytes)
	for n := range files {
		_, _ = rand.NewChaCha8([32]byte{byte(n), 2}).Read(content)
		name := fmt.Sprintf("rows-%d.bin", n)
		s.exchange(http.MethodPut, "/api/v1/volumes/book_entries/files/"+name, content)
		sum := sha256.Sum256(content)
		sums[name] = hex.EncodeToString(sum[:])
	}
	return sums
}

// secure gets a certificate from the authority of the test for the host.
func (s *server) secure(place stack.Place) (serial string, roots []byte) {
	s.t.Helper()
	ca := authority.Start(s.t, authority.Options{Address: place.Gateway, Target: place.Proxy, HTTP: traefik.WebPort, TLS: traefik.WebsecurePort})
	wish, err := json.Marshal(map[string]any{"authority": "other", "email": "me@example.com", "directory": ca.Directory, "trust": string(ca.Trust), "challenge": "http"})
	s.must(err)
	s.send("PATCH", "/proxy", string(wish), nil)
	pool := ca.Roots(s.t)
	s.wantCertificate(place, pool, &serial)
	return serial, ca.RootsPEM(s.t)
}

// wantCertificate waits until a chain is shown that the roots stand behind.
func (s *server) wantCertificate(place stack.Place, roots *x509.CertPool, serial *string) {
	s.t.Helper()
	var last error
	address := net.JoinHostPort(place.Proxy, fmt.Sprint(traefik.WebsecurePort))
	shown := patience.Eventually(90*time.Second, func() bool {
		connection, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", address, &tls.Config{ServerName: secureHost, RootCAs: roots, MinVersion: tls.VersionTLS12})
		if last = err; err != nil {
			return false
		}
		*serial = connection.ConnectionState().PeerCertificates[0].SerialNumber.String()
		return connection.Close() == nil
	})
	if !shown {
		s.t.Fatalf("no good certificate: %v\n%s", last, s.Log())
	}
}

// copyBytes is the floor of a restore: all objects from the store into one file.
func copyBytes(t *testing.T, client *minio.Client) (took time.Duration, bytes int64) {
	t.Helper()
	began := time.Now()
	file, err := os.Create(filepath.Join(t.TempDir(), "copied"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for object := range client.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Recursive: true}) {
		if object.Err != nil {
			t.Fatal(object.Err)
		}
		content, err := client.GetObject(t.Context(), bucket, object.Key, minio.GetObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(file, content)
		if err = errors.Join(err, content.Close()); err != nil {
			t.Fatal(err)
		}
		bytes += n
	}
	if err := file.Sync(); err != nil {
		t.Fatal(err)
	}
	return time.Since(began), bytes
}

// TestHouse_OfEightAppsComesBackOnAnotherEngine backs a server up to a real store, destroys
// it, and brings it back beside another engine, with the key and one command.
func TestHouse_OfEightAppsComesBackOnAnotherEngine(t *testing.T) {
	other, err := stack.StartEngine(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Stop)
	endpoint, client := startStore(t, other.Host)
	if err := other.Give(os.Getenv("BERTH_TRAEFIK_IMAGE")); err != nil {
		t.Fatal(err)
	}

	place, err := stack.Reserve("berth-house")
	if err != nil {
		t.Fatal(err)
	}
	s := prepare(t, place, "/var/run/docker.sock")
	s.must(s.Start())
	s.must(s.StartProxy())
	s.token, err = s.Token("admin")
	s.must(err)
	h := house{Place: place, Endpoint: endpoint, Key: filepath.Join(t.TempDir(), "key.txt")}
	h.Answers = s.settle()
	h.Sums = s.fillLarge()
	h.Serial, h.Roots = s.secure(place)

	identity, err := age.GenerateX25519Identity()
	s.must(err)
	s.must(os.WriteFile(h.Key, []byte(identity.String()+"\n"), 0o600))
	s.send("PUT", "/backups/settings", fmt.Sprintf(`{"endpoint": %q, "bucket": %q, "prefix": "house", "access_key": %q, "secret_key": %q, "recipients": %q, "keep": {"daily": 7}}`,
		endpoint, bucket, storeKey, storeSecret, identity.Recipient()), nil)
	began := time.Now()
	set, whole, sent := s.backUp()
	t.Logf("backed up %s: %d bytes, %d sent, in %s", set, whole, sent, time.Since(began).Round(time.Second))
	s.takeAway()
	s.Remove()
	floor, bytes := copyBytes(t, client)
	t.Logf("copying the %d bytes from the store takes %s", bytes, floor.Round(100*time.Millisecond))

	text, err := json.Marshal(h)
	s.must(err)
	file := filepath.Join(t.TempDir(), "house.json")
	s.must(os.WriteFile(file, text, 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(5*time.Minute))
	defer cancel()
	second := other.Command(ctx, os.Args[0], "-test.v", "-test.run", "^TestHouse_SecondServer$")
	second.Env = append(second.Env, variableOfHouse+"="+file)
	out, err := second.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("beside the other engine: %v", err)
	}
}

// TestHouse_SecondServer is run by the test before it, beside the other engine; by itself it
// has nothing to do.
func TestHouse_SecondServer(t *testing.T) {
	file := os.Getenv(variableOfHouse)
	if file == "" {
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var h house
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatal(err)
	}
	s := prepare(t, h.Place, strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://"))
	restore := s.Command("restore", "--from", h.Endpoint+"/"+bucket+"/house", "--key", h.Key)
	restore.Env = append(restore.Env, "AWS_ACCESS_KEY_ID="+storeKey, "AWS_SECRET_ACCESS_KEY="+storeSecret)
	began := time.Now()
	out, err := restore.CombinedOutput()
	if err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	s.must(s.GiveProxyCertificates())
	t.Logf("restored in %s\n%s", time.Since(began).Round(100*time.Millisecond), out)
	s.must(s.Start())
	s.must(s.StartProxy())
	if s.token, err = s.Token("admin"); err != nil {
		t.Fatal(err)
	}
	for path, answer := range h.Answers {
		s.wantVersion(path, answer)
	}
	roots, serial := x509.NewCertPool(), ""
	roots.AppendCertsFromPEM(h.Roots)
	if s.wantCertificate(h.Place, roots, &serial); serial != h.Serial {
		t.Errorf("the certificate is %s, and was %s", serial, h.Serial)
	}
	for name, want := range h.Sums {
		sum := sha256.Sum256(s.exchange(http.MethodGet, "/api/v1/volumes/book_entries/files/"+name, nil))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s is %s, and was %s", name, got, want)
		}
	}
}
