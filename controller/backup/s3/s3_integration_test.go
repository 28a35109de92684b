//go:build integration

package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/minio/minio-go/v7"

	"berth/controller/backup/set"
	"berth/controller/backup/target"
	"berth/controller/secret"
	"berth/test/patience"
)

const accessKey, secretKey = "key-of-the-test", "secret-of-the-test"

// startStore runs a real store, which checks signatures, with an empty bucket.
func startStore(t *testing.T) Options {
	t.Helper()
	program, err := filepath.Abs("../../../.cache/bin/versitygw")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	command := exec.Command(program, "--port", address, "posix", t.TempDir())
	command.Env = []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey, "HOME=" + t.TempDir()}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatalf("start the store (scripts/backup-tools builds it): %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Log(output.String())
		}
	})
	options := Options{Endpoint: "http://" + address, Bucket: "backups", Prefix: "house/one", AccessKey: accessKey, SecretKey: secret.Text(secretKey)}
	bucket, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	made := patience.Eventually(30*time.Second, func() bool {
		return bucket.client.MakeBucket(t.Context(), options.Bucket, minio.MakeBucketOptions{}) == nil
	})
	if !made {
		t.Fatal("the store does not answer")
	}
	return options
}

func TestBucket_KeepsObjects(t *testing.T) {
	options := startStore(t)
	bucket, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Get(t.Context(), "objects/x"); !errors.Is(err, target.ErrMissing) {
		t.Errorf("what is not there: %v", err)
	}
	content := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	if err := bucket.Put(t.Context(), "objects/aa/x", content); err != nil {
		t.Fatal(err)
	}
	if got, err := target.Read(t.Context(), bucket, "objects/aa/x", 1<<30); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	var found []target.Object
	err = bucket.List(t.Context(), "objects/", func(o target.Object) error { found = append(found, o); return nil })
	if err != nil || len(found) != 1 || found[0] != (target.Object{Name: "objects/aa/x", Bytes: 3 << 20}) {
		t.Errorf("listed %v, %v", found, err)
	}
	if err := errors.Join(bucket.Remove(t.Context(), "objects/aa/x"), bucket.Remove(t.Context(), "objects/aa/x")); err != nil {
		t.Error(err)
	}
	wrong := options
	wrong.SecretKey = "another"
	refused, err := Open(wrong)
	if err != nil {
		t.Fatal(err)
	}
	if err := refused.Put(t.Context(), "x", nil); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") || strings.Contains(err.Error(), "another") {
		t.Errorf("with a wrong secret: %v", err)
	}
}

func TestBucket_HoldsASetThatComesBack(t *testing.T) {
	bucket, err := Open(startStore(t))
	if err != nil {
		t.Fatal(err)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 20<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(content)
	options := set.Options{Target: bucket, Recipients: identity.Recipient().String(), Folder: t.TempDir(), Repository: "r", Now: time.Now}
	for range 2 { // the second sends next to nothing
		w, err := set.Begin(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		err = w.Add(t.Context(), set.Part{Name: "a"}, func(_ context.Context, to io.Writer) error { _, err := to.Write(content); return err })
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.Finish(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		reader, err := set.Open(t.Context(), bucket, m.Set, []age.Identity{identity})
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := reader.Read(t.Context(), reader.Parts[0], &got, func(int64) {}); err != nil || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("%d bytes, %v", got.Len(), err)
		}
		if err := set.Prune(t.Context(), bucket, nil); err != nil {
			t.Error(err)
		}
		if w.Sent() < 1<<20 {
			return
		}
	}
	t.Error("the second backup was sent whole")
}

func TestBucket_SaysWhatIsWrong(t *testing.T) {
	options := startStore(t)
	options.Bucket = "another"
	bucket, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	if err := bucket.Put(t.Context(), "x", nil); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("without its bucket: %v", err)
	}
}
