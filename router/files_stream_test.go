package router

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"

	"berth/controller/volume"
)

// filesForm is a form of "field=value" and, with a colon, "name:content".
func filesForm(t *testing.T, parts ...string) *multipart.Reader {
	t.Helper()
	var body bytes.Buffer
	out := multipart.NewWriter(&body)
	for _, text := range parts {
		name, value, isField := strings.Cut(text, "=")
		header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + name + `"`}}
		if !isField {
			name, value, _ = strings.Cut(text, ":")
			header.Set("Content-Disposition", `form-data; name="file"; filename="`+name+`"`)
		}
		part, err := out.CreatePart(header)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, value)
	}
	_ = out.Close()
	return multipart.NewReader(&body, out.Boundary())
}

// taken reads the form and returns what was taken of it.
func taken(form *multipart.Reader) (files []string, err error) {
	upload := filesUpload{
		Check: func(fields map[string]string) error {
			files = append(files, "checked "+fields["token"])
			return nil
		},
		Take: func(path volume.Path, from io.Reader) error {
			text, err := io.ReadAll(from)
			files = append(files, string(path)+"="+string(text))
			return err
		},
	}
	_, err = upload.read(form)
	return files, err
}

func TestFilesUpload_TakesEachFileInItsFolderAfterTheFields(t *testing.T) {
	t.Parallel()
	files, err := taken(filesForm(t, "token=x", "a.txt:1", "photos/2024/b.txt:22"))
	if err != nil || strings.Join(files, " ") != "checked x a.txt=1 photos/2024/b.txt=22" {
		t.Errorf("took %q, %v", files, err)
	}
}

func TestFilesUpload_PassesOverAFieldForFilesThatWasLeftEmpty(t *testing.T) {
	t.Parallel()
	files, err := taken(filesForm(t, "token=x", ":", "a.txt:1", ":"))
	if err != nil || strings.Join(files, " ") != "checked x a.txt=1" {
		t.Errorf("took %q, %v", files, err)
	}
}

func TestFilesUpload_RefusesHostileNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../x", "/../x", "a/../../x", "a//x", ".", "a\u202ex", ".berth-upload-x/y", strings.Repeat("n", 300)} {
		files, err := taken(filesForm(t, "token=x", name+":1"))
		if _, ok := errors.AsType[*volume.Refusal](err); !ok || len(files) > 0 {
			t.Errorf("%q: took %q, %v", name, files, err)
		}
	}
}

func TestFilesUpload_RefusesAFieldAfterAFile(t *testing.T) {
	t.Parallel()
	if _, err := taken(filesForm(t, "a.txt:1", "token=x")); err == nil {
		t.Error("the token may come after the file")
	}
}

func TestFilesUpload_ChecksAFormWithoutFiles(t *testing.T) {
	t.Parallel()
	files, err := taken(filesForm(t, "token=x", ":"))
	if err != nil || strings.Join(files, " ") != "checked x" {
		t.Errorf("took %q, %v", files, err)
	}
}
