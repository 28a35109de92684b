package router

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/pieces"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/release"
	"berth/controller/uploads"
)

// The fields of the upload forms.
const (
	fieldName    = "name"
	fieldRoute   = "route"
	fieldPort    = "port"
	fieldArchive = "archive"
	fieldImage   = "image" // instead of the archive

	fieldDockerfile = "dockerfile" // its path in the archive, where that is not the usual one

	fieldVariables      = "environment"       // a .env text; it is never sent back
	fieldPlainVariables = "environment_plain" // nothing of it is a secret
)

// The most that the small fields of an upload may be.
const (
	uploadFieldBytes = 8 << 10
	uploadFieldCount = 110 // variables that an archive needs have one each, and routes of services three
)

// upload is a form that was read while it came in. The archive is nil where a
// field before it was refused, and then the file was not kept.
type upload struct {
	fields  map[string]string
	archive *uploads.Archive
	image   plan.ImageReference // instead of the archive

	made *packed // instead of the archive, packed by Berth

	dockerfile string // path in the archive; empty means the usual one

	problems fieldProblems
	preview  *app.Preview     // what a check came to
	held     *controller.Held // the archive that waits since a check

	uncounted bool // it may have been sent before: acceptOnce counts it
	hasTurn   bool // of its repeatKey
}

// readUpload reads a multipart form in order and without buffering the file: the
// form token and the small fields first, then the archive, straight into the
// controller. check sees the fields before the archive is read, so that 256 MB
// of a form that cannot be accepted are not stored first.
//
// The caller discards the archive, also after an error of its own.
func (a *admin) readUpload(v *visit, check func(*upload) error) (*upload, error) {
	form := &upload{fields: make(map[string]string), problems: fieldProblems{}}
	err := a.readParts(v, form, check)
	if err == nil && len(form.problems) == 0 {
		return form, nil
	}
	form.archive.Discard()
	form.archive = nil
	v.drain()
	if err != nil {
		return form, form.problems.add(brokenUpload(err))
	}
	return form, nil
}

func (a *admin) readParts(v *visit, form *upload, check func(*upload) error) error {
	if err := declaredTooLarge(v.request(), v.route.body); err != nil {
		return err
	}
	parts, err := v.request().MultipartReader()
	if err != nil {
		return notMultipart(err)
	}
	fileSeen := false
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return unreadablePart(err)
		}
		switch {
		case part.FormName() != fieldArchive && fileSeen:
			return outOfOrder(part.FormName())
		case part.FormName() != fieldArchive:
			err = form.readField(part)
		case fileSeen:
			return twoFiles()
		default:
			fileSeen = true
			err = a.readFile(v, form, part, check)
		}
		if err != nil || len(form.problems) > 0 {
			return err
		}
	}
	if fileSeen {
		return nil
	}
	if err := a.checkUpload(v, form, check); err != nil {
		return err
	}
	return a.receiveNoFile(form)
}

// receiveNoFile takes what the form has in the place of a file.
func (a *admin) receiveNoFile(form *upload) error {
	switch {
	case form.made != nil:
		return a.receiveMade(form)
	case form.sendsHeld(), form.image != "":
		return nil
	}
	return form.problems.add(noFile())
}

// readFile receives the archive once the fields before it are in order.
func (a *admin) readFile(v *visit, form *upload, part *multipart.Part, check func(*upload) error) error {
	if err := a.checkUpload(v, form, check); err != nil {
		return err
	}
	if part.FileName() == "" { // a field of the browser's form that was left empty
		return a.receiveNoFile(form)
	}
	if err := checkFileName(part); err != nil {
		return err
	}
	if form.image != "" {
		return form.problems.add(imageAndFile())
	}
	if form.made != nil {
		return form.problems.add(severalSources())
	}
	if len(form.problems) > 0 {
		return nil
	}
	received, err := a.receivePart(v, form, part)
	if err != nil {
		return err
	}
	received.Name = part.FileName()
	form.archive = received
	if received.Bytes == 0 {
		return form.problems.add(emptyFile())
	}
	return received.Choose(form.dockerfile)
}

// receivePart receives the archive, or makes it of the pieces that were sent of it.
func (a *admin) receivePart(v *visit, form *upload, part *multipart.Part) (*uploads.Archive, error) {
	if part.Header.Get("Content-Type") != pieces.MediaType {
		return a.uploads.Receive(part)
	}
	whole, end, err := a.expand(v, form, part)
	if err != nil {
		return nil, err
	}
	defer end()
	received, err := a.uploads.Receive(whole)
	return received, receivedPieces(err)
}

// checkUpload checks the form token, which must have come by now, and the fields, and
// counts what is to be deployed.
func (a *admin) checkUpload(v *visit, form *upload, check func(*upload) error) error {
	if !v.caller.bearer {
		if _, given := form.fields[formField]; !given {
			return problem.Forbidden(
				"The form token did not come before the file.",
				"Put the field "+formField+" before the archive.",
			).Because(errFormToken)
		}
		if err := a.checkFormToken(v, form.fields[formField]); err != nil {
			return err
		}
	}
	if err := form.parseImage(); err != nil {
		return err
	}
	if err := form.parseMade(); err != nil {
		return err
	}
	if err := form.parseDockerfile(); err != nil {
		return err
	}
	if err := check(form); err != nil || len(form.problems) > 0 {
		return err
	}
	return a.takeWork(v, form)
}

// parseImage reads the image that the form names instead of an archive.
func (u *upload) parseImage() error {
	text := strings.TrimSpace(u.fields[fieldImage])
	if text == "" {
		return nil
	}
	if u.sendsHeld() {
		return u.problems.add(imageAndFile())
	}
	image, err := release.ParseImage(text)
	u.image = image
	return u.problems.add(err)
}

// parseDockerfile reads which file of the archive is the Dockerfile.
func (u *upload) parseDockerfile() error {
	chosen, err := uploads.ParseDockerfile(u.fields[fieldDockerfile])
	u.dockerfile = chosen
	return u.problems.add(err)
}

func (u *upload) readField(part *multipart.Part) error {
	name := part.FormName()
	if !u.has(name) && len(u.fields) >= uploadFieldCount {
		return problem.Invalid(
			"The form has too many fields.",
			"Send "+formField+", name, route, port and archive, or image in its place.",
		)
	}
	most := uploadFieldBytes
	if isPasted(name) {
		most = pastedBytes
	}
	value, err := io.ReadAll(io.LimitReader(part, int64(most)+1))
	if err != nil {
		return err
	}
	if former := u.fields[name]; former != "" && slices.Contains(listFields, name) {
		value = append([]byte(former+","), value...)
	}
	if len(value) > most {
		return problem.TooLarge(
			fmt.Sprintf("The field %.40q is longer than %d kB.", name, most>>10),
			"Make it shorter.",
		)
	}
	u.fields[name] = string(value)
	return nil
}

// unreadablePart words a form that is none. What the connection did stays as it is.
func unreadablePart(err error) error {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	_, broken := errors.AsType[net.Error](err)
	if tooLarge || broken || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return problem.Malformed(
		"The form could not be read.",
		"Send it as multipart/form-data, as a browser or curl -F does.",
	).Because(err)
}

// brokenUpload words what a connection does to an upload.
func brokenUpload(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problem.Invalid(
			fmt.Sprintf("The upload stood still for %s and was given up.", progressWindow),
			"Send it again over a steadier line.",
		).At(fieldArchive).Because(err)
	}
	_, cut := errors.AsType[net.Error](err)
	if cut || errors.Is(err, io.ErrUnexpectedEOF) {
		return problem.Invalid("The upload ended before its end.", "Send it again.").At(fieldArchive).Because(err)
	}
	return err
}

func notMultipart(cause error) error {
	return problem.Invalid(
		"An upload must be sent as multipart/form-data.",
		"With curl, use -F for each field and -F archive=@app.zip last.",
	).Because(cause)
}

func outOfOrder(field string) error {
	return problem.Invalid(
		fmt.Sprintf("The field %.40q came after the archive.", field),
		"Send the archive last: it is read while it comes in.",
	)
}

func twoFiles() error {
	return problem.Invalid("There was more than one archive.", "Send one .zip or .tar.gz file.").At(fieldArchive)
}

func noFile() error {
	return problem.Invalid("There is no archive.", "Choose a .zip or .tar.gz file, or name an image.").At(fieldArchive)
}

func imageAndFile() error {
	return problem.Invalid("There are both an archive and an image.", "Send one of them: the app is made of one.").At(fieldImage)
}

// nothingToSee refuses to show how an image is built, which is not.
func nothingToSee() error {
	return problem.Invalid(
		"An image is run as it is, so there is nothing to preview.",
		"Untick \"Preview before deploying\" to deploy it.",
	).At(fieldImage)
}

func emptyFile() error {
	return problem.Invalid("The archive is empty.", "Choose a .zip or .tar.gz file with a Dockerfile in it.").At(fieldArchive)
}

// field returns a field of the form; empty if it was not sent.
func (u *upload) field(name string) string { return u.fields[name] }
