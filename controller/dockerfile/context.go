package dockerfile

import (
	"context"
	"errors"

	"berth/controller/archive"
)

// Context returns the part of the tree that is the build context. A .dockerignore named
// after the Dockerfile wins over the general one, as in BuildKit. Paths are relative to
// the context, which is the folder of the archive.
func Context(ctx context.Context, tree *archive.Tree, folder, dockerfile string) (func(archive.Entry) bool, error) {
	if folder != "" {
		folder += "/"
	}
	path := folder + dockerfile + IgnoreFile
	if _, named := tree.Entry(path); !named {
		path = folder + IgnoreFile
	}
	if _, found := tree.Entry(path); !found {
		return func(archive.Entry) bool { return true }, nil
	}
	text, err := tree.ReadFile(ctx, path, MostIgnoreBytes)
	if err != nil {
		return nil, err
	}
	ignore, err := archive.ParseIgnore(text)
	if refusal, ok := errors.AsType[*archive.Refusal](err); ok {
		refusal.File = path
	}
	if err != nil {
		return nil, err
	}
	return func(e archive.Entry) bool { return e.Path == dockerfile || ignore.Keep(e) }, nil
}
