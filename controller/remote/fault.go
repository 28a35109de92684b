package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"berth/controller/address"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/push/wire"
	"berth/controller/secret"
)

const shown = 200 // letters of a text of the git host

func noGit(message string, cause error) error {
	return problem.Invalid(message, "Check the address of the repository: write it as git clone takes it. It usually ends in .git.").Because(cause)
}

func moved(response *http.Response) error {
	return problem.Invalid("The repository has moved to "+placeOf(response)+".", "Check the new address, and write it into the settings. Berth follows no redirects, because they would take the token along.")
}

func hidden(status int) error {
	return problem.Invalid(
		fmt.Sprintf("The git host does not show the repository (it answers %d %s).", status, http.StatusText(status)),
		"Check the address, and that the token is still valid and may read the repository.",
	)
}

func unavailable(status int) error {
	return problem.Unavailable(fmt.Sprintf("The git host answers %d %s.", status, http.StatusText(status)), "Try again when the git host works.")
}

func noBranch(branch string) error {
	return problem.Invalid(fmt.Sprintf("The repository has no branch %s.", branch), "Check the branch in the settings, and push it to the git host.")
}

// worded makes a Problem of what went wrong with the git host. A disk that is full and a
// fault of our own stay as they are.
func worded(err error, token secret.Text) error {
	closed, isClosed := errors.AsType[*address.ClosedError](err)
	unknown, isDNS := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	network, isNet := errors.AsType[net.Error](err)
	host, isHost := errors.AsType[hostError](err)
	switch {
	case problem.KindOf(err) != problem.KindInternal:
		return err
	case isClosed:
		return problem.Forbidden(closed.Error()+".", "Berth fetches from the internet alone. Push to Berth with git instead, from a job of the git host.").Because(err)
	case isDNS && unknown.IsNotFound:
		return problem.Invalid("The host name of the repository is not known.", "Check the address of the repository.").Because(err)
	case isCertificate:
		return problem.Invalid("The certificate of the git host is not trusted.", "Give the git host a certificate of a public authority, or push to Berth with git instead.").Because(err)
	case errors.Is(err, context.DeadlineExceeded), isNet && network.Timeout():
		return problem.Unavailable("The git host did not answer in time.", "Try again later.").Because(err)
	case errors.Is(err, wire.ErrPacket), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return noGit("The answer of the git host is cut off, or is not one of git's.", err)
	case isHost:
		return problem.Unavailable("The git host cannot be reached: "+reasonOf(host, token)+".", "Check the address of the repository, and try again later.").Because(err)
	}
	return err
}

// unreadable says what to do about the faults of a pack, which are worded for a person who
// pushes to Berth. Other errors stay as they are.
func unreadable(err error) error {
	fault, known := errors.AsType[*problem.Problem](err)
	if !known || problem.IsDiskFull(err) {
		return err
	}
	made := *fault
	made.Hint = "Try again. If it happens again, run git fsck in the repository."
	if fault.Kind == problem.KindTooLarge {
		made.Hint = "Leave out of the repository what the app does not need."
	}
	return &made
}

// hostError is what went wrong on the connection to a git host.
type hostError struct{ error }

func (e hostError) Unwrap() error { return e.error }

func reasonOf(err error, token secret.Text) string {
	text := err.Error()
	if token != "" {
		text = strings.ReplaceAll(text, token.Reveal(), "[hidden]")
	}
	return printable.Name(text, shown)
}
