// Package s3 keeps backups in a bucket of any S3-compatible store.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"berth/controller/backup/target"
	"berth/controller/printable"
	"berth/controller/secret"
)

const (
	tries       = 4
	callTimeout = 5 * time.Minute // for one object of at most some 4 MB
)

// Options name a bucket and the way in.
type Options struct {
	Endpoint  string // https://HOST[:PORT], or http:// for a store on this machine or network
	Bucket    string
	Prefix    string // of all objects; may be empty
	Region    string // may be empty
	AccessKey string
	SecretKey secret.Text
}

// Bucket is a target. Objects are small enough to be put with one request each, so an
// upload that was cut off goes on with the next object.
type Bucket struct {
	client *minio.Client
	name   string
	prefix string
}

var _ target.Target = (*Bucket)(nil)

// Open returns the bucket without asking for it.
func Open(o Options) (*Bucket, error) {
	at, err := url.Parse(o.Endpoint)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" || strings.Trim(at.Path, "/") != "" || at.User != nil || at.RawQuery != "" {
		return nil, errors.New("the endpoint is not an address such as https://s3.example.com")
	}
	client, err := minio.New(at.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(o.AccessKey, o.SecretKey.Reveal(), ""),
		Secure: at.Scheme == "https", Region: o.Region, MaxRetries: tries,
		BucketLookup: minio.BucketLookupPath,
	})
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return &Bucket{client: client, name: o.Bucket, prefix: strings.Trim(o.Prefix, "/")}, nil
}

// Put sends an object with its MD5, which the store compares.
func (b *Bucket) Put(ctx context.Context, name string, content []byte) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := b.client.PutObject(ctx, b.name, b.key(name), bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{
		ContentType: "application/octet-stream", SendContentMd5: true, DisableMultipart: len(content) <= mostInOne, PartSize: partBytes, NumThreads: 1,
	})
	return failure("put "+name, err)
}

// A manifest of a large server is sent in parts.
const (
	mostInOne = 64 << 20
	partBytes = 16 << 20
)

// Get reads an object.
func (b *Bucket) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	core := minio.Core{Client: b.client} // its GetObject is one request, and fails where there is none
	object, _, _, err := core.GetObject(ctx, b.name, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, failure("get "+name, err)
	}
	return object, nil
}

// List lists objects, a thousand with each request.
func (b *Bucket) List(ctx context.Context, prefix string, visit func(target.Object) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	own := b.key("")
	for found := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: own + prefix, Recursive: true}) {
		if found.Err != nil {
			return failure("list objects", found.Err)
		}
		if err := visit(target.Object{Name: strings.TrimPrefix(found.Key, own), Bytes: found.Size}); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// Remove removes an object.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return failure("remove "+name, b.client.RemoveObject(ctx, b.name, b.key(name), minio.RemoveObjectOptions{}))
}

func (b *Bucket) key(name string) string {
	if b.prefix == "" {
		return name
	}
	key := path.Join(b.prefix, name)
	if name == "" {
		key += "/"
	}
	return key
}

// failure says what the store answered, and nothing that could hold a secret.
func failure(action string, err error) error {
	if err == nil {
		return nil
	}
	answer := minio.ToErrorResponse(err)
	switch {
	case answer.Code == minio.NoSuchKey, answer.StatusCode == http.StatusNotFound && answer.Code != minio.NoSuchBucket:
		return fmt.Errorf("%s: %w", action, target.ErrMissing)
	case answer.Code != "":
		return fmt.Errorf("%s: %w", action, &target.Refusal{Answer: printable.Plain(fmt.Sprintf("%.60s: %.200s", answer.Code, answer.Message))})
	default:
		return fmt.Errorf("%s: %w", action, err)
	}
}

// IsBucket reports whether a bucket can have the name.
func IsBucket(name string) bool {
	return len(name) >= 3 && len(name) <= 63 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == "" && !strings.Contains(name, "..")
}
