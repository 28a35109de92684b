package router

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"berth/controller/problem"
	"berth/controller/volume"
	"berth/controller/volumes"
)

// volumeBody is the most that one upload into a volume can carry.
var volumeBody = volumes.FileBytes + formOverhead

// copyBytes is how much of a file is held at a time.
const copyBytes = 64 << 10

// uploadFiles puts files into a folder of a volume while they come in: 303 to the folder.
func (a *admin) uploadFiles(v *visit) error {
	name, folder, err := v.place()
	if err != nil {
		return err
	}
	count, err := a.storeFiles(v, name, folder)
	v.worked = count > 0
	if err != nil {
		v.drain()
		return a.refuseOnVolume(v, name, folder, storedBefore(count, fileProblem(err)))
	}
	v.done.detail = plural(count, "file")
	if err := v.notify(plural(count, "file") + " uploaded."); err != nil {
		return err
	}
	return v.seeOther(placePath(name, "", folder))
}

// storeFiles reads the form and returns how many files were stored, also with an error.
func (a *admin) storeFiles(v *visit, name volume.Name, folder volume.Path) (count int, err error) {
	if err := declaredTooLarge(v.request(), v.route.body); err != nil {
		return 0, err
	}
	parts, err := v.request().MultipartReader()
	if err != nil {
		return 0, notMultipart(err)
	}
	var files *volumes.Files
	defer func() {
		if files != nil {
			a.closeFiles(v, files)
		}
	}()
	unpack := false
	form := filesUpload{
		Check: func(fields map[string]string) (err error) {
			if err := a.checkFormToken(v, fields[formField]); err != nil {
				return err
			}
			unpack = fields["unpack"] != ""
			files, err = a.volumes.Change(v.context(), name)
			return err
		},
		Take: func(path volume.Path, from io.Reader) error {
			if unpack && isArchive(path) {
				return files.Unpack(v.context(), folder, from)
			}
			at, err := volume.ParseNewPath(string(folder.Join(string(path))))
			if err != nil {
				return badFileNameProblem(err)
			}
			return files.Write(at, from)
		},
	}
	count, err = form.read(parts)
	if err == nil && count == 0 {
		err = problem.Invalid("There is no file.", "Choose one or more files.").At("file")
	}
	return count, err
}

// archiveEnds are the ends of the names of archives.
var archiveEnds = []string{".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tzst"}

func isArchive(path volume.Path) bool {
	name := strings.ToLower(path.Name())
	return slices.ContainsFunc(archiveEnds, func(end string) bool { return strings.HasSuffix(name, end) })
}

// fileProblem words what ends an upload of files.
func fileProblem(err error) error {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return problem.TooLarge(
			fmt.Sprintf("The files are larger than %d GB together.", volumes.FileBytes>>30),
			"Send fewer at once.",
		).At("file").Because(err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF) {
		return problem.Invalid("The upload broke off.", "Send it again over a steadier line.").At("file").Because(err)
	}
	return badFileNameProblem(err)
}

// badFileNameProblem words a name that no file can have.
func badFileNameProblem(err error) error {
	if refusal, ok := errors.AsType[*volume.Refusal](err); ok {
		return problem.Invalid(refusal.Error(), refusal.Hint).At("file").Because(err)
	}
	return err
}

// storedBefore adds what was done before the problem.
func storedBefore(count int, err error) error {
	problem, ok := errors.AsType[*problem.Problem](err)
	if !ok || count == 0 {
		return err
	}
	worded := *problem
	worded.Message += fmt.Sprintf(" What came before it is stored: %s.", plural(count, "file"))
	return &worded
}

// downloadFile sends one file, to be kept and never to be shown.
func (a *admin) downloadFile(v *visit) error {
	name, path, err := v.place()
	if err != nil {
		return err
	}
	return a.sendFile(v, name, path)
}

func (a *admin) sendFile(v *visit, name volume.Name, path volume.Path) error {
	files, err := a.volumes.Read(v.context(), name)
	if err != nil {
		return err
	}
	defer a.closeFiles(v, files)
	entry, content, err := files.Read(path)
	if err != nil {
		return err
	}
	v.gin.Header("Content-Length", strconv.FormatInt(entry.Size, 10))
	return v.sendAttachment(path.Name(), content)
}

// downloadFolder sends a folder, or the whole volume, as a tar.
func (a *admin) downloadFolder(v *visit) error {
	name, folder, err := v.place()
	if err != nil {
		return err
	}
	files, err := a.volumes.Read(v.context(), name)
	if err != nil {
		return err
	}
	defer a.closeFiles(v, files)
	content, err := files.Pack(folder)
	if err != nil {
		return err
	}
	fileName := string(name)
	if folder != "" {
		fileName += "-" + folder.Name()
	}
	return v.sendAttachment(fileName+".tar", content)
}

// sendAttachment sends bytes of strangers as a file that no browser opens on
// this origin. Where they end too early the connection is cut, so that nobody
// takes a part for the whole.
func (v *visit) sendAttachment(fileName string, content io.Reader) error {
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": fileName})
	if disposition == "" {
		disposition = "attachment"
	}
	v.gin.Header("Content-Type", "application/octet-stream")
	v.gin.Header("Content-Disposition", disposition)
	v.gin.Status(http.StatusOK)
	_, err := io.CopyBuffer(onlyWriter{v.gin.Writer}, content, make([]byte, copyBytes))
	if err != nil {
		v.admin.logger.WarnContext(v.context(), "send file", "request_id", requestID(v.gin), "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// onlyWriter hides the other methods of a writer, so that io.CopyBuffer uses its buffer.
type onlyWriter struct{ io.Writer }
