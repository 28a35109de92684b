package images

import (
	"strings"
	"testing"
)

func TestExplain_PutsTheEnginesWordsInSentences(t *testing.T) {
	for message, want := range map[string]string{
		`failed to solve with frontend dockerfile.v0: failed to create LLB definition: failed to do request: Head "https://registry-1.docker.io/v2/library/alpine/manifests/3.20": dial tcp: lookup registry-1.docker.io: no such host`: "The base image alpine:3.20 is not on the server, and the registry registry-1.docker.io cannot be reached to fetch it (no such host).",
		`failed to solve: ghcr.io/a/b:1: failed to resolve source metadata for ghcr.io/a/b:1: failed to do request: Head "https://ghcr.io/v2/a/b/manifests/1": dial tcp 1.2.3.4:443: i/o timeout`:                                       "The base image a/b:1 is not on the server, and the registry ghcr.io cannot be reached to fetch it (i/o timeout).",
		`failed to solve: failed to authorize: failed to fetch anonymous token: Get "https://auth.docker.io/token?scope=repository%3Alibrary": dial tcp: connection refused`:                                                            "A base image is not on the server, and the registry auth.docker.io cannot be reached to fetch it (connection refused).",
		`failed to do request: Head "https://registry-1.docker.io/v2/docker/dockerfile/manifests/1": dial tcp: no such host`:                                                                                                            "The image of the Dockerfile's syntax line is not on the server",
		`failed to do request: Head "https://own.example/v2/a/manifests/1": tls: failed to verify certificate: x509: certificate signed by unknown authority`:                                                                           "The registry's certificate is not trusted by the engine",
		`docker.io/library/nosuch:latest: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`:                                                         "The base image library/nosuch:latest does not exist, or its registry wants a login.",
		`failed to solve: docker.io/library/python:9.9: not found`:                                                                               "The image library/python:9.9 does not exist in its registry.",
		`toomanyrequests: You have reached your pull rate limit.`:                                                                                "The registry refuses more downloads at the moment",
		`failed to compute cache key: "/absent.txt" not found: not found`:                                                                        "The Dockerfile copies /absent.txt, which is not in the archive.",
		`failed to solve: failed to compute cache key: failed to calculate checksum of ref abc::def: "/a/b": not found`:                          "The Dockerfile copies /a/b, which is not in the archive.",
		`executor failed running [/bin/sh -c npm ci]: exit code: 1`:                                                                              `The command "/bin/sh -c npm ci" ended with exit code 1.`,
		`failed to solve: process "/bin/sh -c npm ci" did not complete successfully: exit code: 137`:                                             `The command "/bin/sh -c npm ci" was killed (exit code 137)`,
		`failed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0: no active sessions`:                              "The engine cannot fetch the base image, because the build has no session.",
		`failed to solve with frontend dockerfile.v0: failed to create LLB definition: Dockerfile parse error line 2: unknown instruction: ECHO`: "The engine on the server is too old for line 2 of the Dockerfile (unknown instruction: ECHO).",
		`failed to solve: dockerfile parse error on line 3: unknown flag: link`:                                                                  "The engine on the server is too old for line 3 of the Dockerfile (unknown flag: link).",
		`executor failed running [/bin/sh -c make]: failed to create endpoint jkp9 on network bridge: adding interface veth1 to bridge docker0 failed: could not find bridge docker0: route ip+net: no such network interface`: "The engine cannot connect the build to its network (adding interface veth1 to bridge docker0 failed: could not find bridge docker0: route ip+net: no such network interface).",
		``: "The build failed without a reason.",
	} {
		explained := explain(message)
		if !strings.HasPrefix(explained.Message, want) {
			t.Errorf("%s\n got %s\nwant %s", message, explained.Message, want)
		}
		if !strings.HasSuffix(explained.Message, ".") || !strings.HasSuffix(explained.Hint, ".") {
			t.Errorf("not sentences: %q %q", explained.Message, explained.Hint)
		}
	}
}
