package execfailure

import "testing"

func TestFindWritten_NamesThePathAndTheFolderForAVolume(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"open /data/app.db: read-only file system":                        "/data/app.db /data",
		"OSError: [Errno 30] Read-only file system: '/var/lib/app/log'":   "/var/lib/app/log /var/lib/app",
		"Error: EROFS: read-only file system, open '/data/uploads/x.png'": "/data/uploads/x.png /data/uploads",
		"mkdir: can't create directory '/data': Read-only file system":    "/data /data",
		"Error: EROFS: read-only file system, mkdir '/cache'":             "/cache /cache",
		"OSError: [Errno 30] Read-only file system: 'log'":                " ",
		"open /app/app.db: read-only file system":                         "/app/app.db ",
		"open /etc/x.conf: read-only file system":                         "/etc/x.conf ",
		"touch: /x: Read-only file system":                                "/x ",
		"all is well in /data":                                            " ",
	} {
		written, folder := FindWritten([]string{"first", line})
		if got := written + " " + string(folder); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}
