package images

import (
	"fmt"
	"regexp"
	"strings"

	"berth/controller/printable"
)

// syntaxImage is what the line "# syntax=docker/dockerfile:1" fetches.
const syntaxImage = "docker/dockerfile"

// What BuildKit puts in front of the part that says what happened.
var solverPrefix = regexp.MustCompile(`^(failed to solve with frontend [\w.]+: |failed to solve: |failed to create LLB definition: |rpc error: code = \w+ desc = |failed to build LLB: )+`)

// What BuildKit says of registries and base images.
var (
	registryRequest = regexp.MustCompile(`failed to (?:do request|authorize|fetch anonymous token|fetch oauth token).*?"?https?://([^/"\s]+)/(?:v2/(\S+?)/(?:manifests|blobs)/([^"\s]+))?`)
	connectionFault = regexp.MustCompile(`no such host|server misbehaving|connection refused|network is unreachable|no route to host|i/o timeout|TLS handshake timeout|deadline exceeded|connection reset|EOF`)
	certificate     = regexp.MustCompile(`x509: [^\n]*`)
	denied          = regexp.MustCompile(`(\S+): (?:pull access denied|failed to resolve reference|failed to resolve source metadata|unexpected status.*(?:401|403))`)
	missing         = regexp.MustCompile(`(\S+/\S+): not found`)
	exitCode        = regexp.MustCompile(`(?:executor failed running |process )(.*?):? (?:exit code: |did not complete successfully: exit code: )(\d+)`)
	noNetwork       = regexp.MustCompile(`failed to create endpoint \S+ on network \S+: (.*)`)
	missingFile     = regexp.MustCompile(`failed to (?:compute cache key|calculate checksum)[^\n]*"(/[^"]*)"(?: |: )not found`)
)

// explanation recognises one way in which builds fail.
type explanation struct {
	pattern *regexp.Regexp
	write   func(match []string, whole string) (message, hint string)
}

// explanations are tried in order; the first that fits is taken.
var explanations = []explanation{
	{certificate, explainCertificate},
	{regexp.MustCompile(`toomanyrequests|429 Too Many Requests`), explainRateLimit},
	{registryRequest, explainRegistry},
	{regexp.MustCompile(`no active session`), explainSession},
	{denied, explainDenied},
	{missingFile, explainMissingFile},
	{missing, explainMissingImage},
	{olderSyntax, explainOlderEngine},
	{noNetwork, explainNetwork},
	{exitCode, explainExit},
}

// explain puts the engine's message about a failed build in words, and names
// the next step where there is a usual one.
func explain(message string) *BuildError {
	plain := printable.Plain(strings.TrimSpace(solverPrefix.ReplaceAllString(message, "")))
	for _, known := range explanations {
		match := known.pattern.FindStringSubmatch(plain)
		if match == nil {
			continue
		}
		if text, hint := known.write(match, plain); text != "" {
			return &BuildError{Message: text, Hint: hint}
		}
	}
	return &BuildError{Message: Sentence(plain), Hint: "The last lines of the build log say where it stopped."}
}

func explainCertificate(match []string, _ string) (message, hint string) {
	return fmt.Sprintf("The registry's certificate is not trusted by the engine (%s).", match[0]),
		"Give the engine the registry's certificate authority, under /etc/docker/certs.d."
}

func explainRateLimit([]string, string) (message, hint string) {
	return "The registry refuses more downloads at the moment: its rate limit is reached.",
		"Wait and deploy again, or pull the base image on the server once: builds use an image that is there."
}

func explainRegistry(match []string, whole string) (message, hint string) {
	fault := connectionFault.FindString(whole)
	if fault == "" {
		return "", ""
	}
	image, hint := "A base image", "Check the server's connection and name resolution, or load the image into the engine by hand: builds use an image that is there."
	switch {
	case match[2] == syntaxImage:
		image, hint = "The image of the Dockerfile's syntax line", "Take the line \"# syntax=\" out of the Dockerfile: the engine knows the common syntax by itself."
	case match[2] != "":
		image = "The base image " + reference(match[2], match[3])
	}
	return fmt.Sprintf("%s is not on the server, and the registry %s cannot be reached to fetch it (%s).", image, match[1], fault), hint
}

func explainSession([]string, string) (message, hint string) {
	return "The engine cannot fetch the base image, because the build has no session.",
		"If a socket proxy stands in front of the engine, let it pass POST /session."
}

func explainDenied(match []string, _ string) (message, hint string) {
	return fmt.Sprintf("The base image %s does not exist, or its registry wants a login.", strings.TrimPrefix(match[1], "docker.io/")),
		"Check the name after FROM. A private image can be pulled on the server by hand: builds use an image that is there."
}

func explainMissingFile(match []string, _ string) (message, hint string) {
	return fmt.Sprintf("The Dockerfile copies %s, which is not in the archive.", strings.Trim(match[1], `"`)),
		"Add the file, or see whether .dockerignore leaves it out. Paths in COPY start at the archive's top folder."
}

func explainMissingImage(match []string, _ string) (message, hint string) {
	return fmt.Sprintf("The image %s does not exist in its registry.", strings.TrimPrefix(match[1], "docker.io/")),
		"Check the name and the tag after FROM."
}

func explainNetwork(match []string, _ string) (message, hint string) {
	return fmt.Sprintf("The engine cannot connect the build to its network (%s).", match[1]),
		"Nothing is wrong with the archive. Restart the engine on the server, then deploy again."
}

func explainExit(match []string, _ string) (message, hint string) {
	command := strings.Trim(match[1], "[]\"' ")
	if match[2] == "137" {
		return fmt.Sprintf("The command %q was killed (exit code 137), which mostly means that the memory was used up that builds have, or the server's.", command),
			"Let the build do less at once, or give builds more: BERTH_BUILD_MEMORY, then make up."
	}
	return fmt.Sprintf("The command %q ended with exit code %s.", command, match[2]),
		"The lines above it in the build log are what it printed."
}

func reference(repository, tag string) string {
	separator := ":"
	if strings.HasPrefix(tag, "sha256:") {
		separator = "@"
	}
	return strings.TrimPrefix(repository, "library/") + separator + tag
}

// Sentence makes the engine's words one: they start small and have no end.
func Sentence(text string) string {
	if text == "" {
		return "The build failed without a reason."
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}
