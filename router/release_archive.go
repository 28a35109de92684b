package router

import (
	"context"
	"fmt"
	"strconv"

	"berth/controller/app"
	"berth/controller/difference"
	"berth/controller/sources"
)

// Sources opens the archives of releases, and compares releases.
type Sources interface {
	Archive(app.Release) (*sources.Archive, error)
	Base(context.Context, app.Release) (*sources.Base, error)
	Compare(ctx context.Context, from, to app.Release) (difference.Difference, error)
	CompareLines(ctx context.Context, from, to app.Release) (difference.Difference, error)
}

// downloadArchive sends what a release was built from, as it was uploaded.
func (a *admin) downloadArchive(v *visit) error {
	release, err := a.releaseOf(v)
	if err != nil {
		return err
	}
	found, err := a.sources.Archive(release)
	if err != nil {
		return err
	}
	defer found.Close()
	v.done.detail = fmt.Sprintf("%d bytes", found.Bytes)
	v.gin.Header("Content-Length", strconv.FormatInt(found.Bytes, 10))
	return v.sendAttachment(found.Name, found)
}
