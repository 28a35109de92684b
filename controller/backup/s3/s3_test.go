package s3

import "testing"

func TestOpen_RefusesWhatIsNoEndpoint(t *testing.T) {
	for _, endpoint := range []string{"", "s3.example.com", "ftp://s3.example.com", "https://", "https://s3.example.com/bucket", "https://user:word@s3.example.com", "https://s3.example.com?x=1"} {
		if _, err := Open(Options{Endpoint: endpoint, Bucket: "b"}); err == nil {
			t.Errorf("%q was opened", endpoint)
		}
	}
	for _, endpoint := range []string{"https://s3.example.com", "http://127.0.0.1:9000/"} {
		if _, err := Open(Options{Endpoint: endpoint, Bucket: "b", AccessKey: "a", SecretKey: "s"}); err != nil {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

func TestBucket_KeepsToItsPrefix(t *testing.T) {
	for _, test := range []struct{ prefix, name, want string }{
		{"", "a/b", "a/b"}, {"", "", ""}, {"p", "a/b", "p/a/b"}, {"/p/q/", "a", "p/q/a"}, {"p", "", "p/"},
	} {
		bucket, err := Open(Options{Endpoint: "https://s3.example.com", Bucket: "b", Prefix: test.prefix, AccessKey: "a", SecretKey: "s"})
		if err != nil {
			t.Fatal(err)
		}
		if got := bucket.key(test.name); got != test.want {
			t.Errorf("%q below %q is %q", test.name, test.prefix, got)
		}
	}
}
