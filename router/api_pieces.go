package router

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"berth/controller/app"
	"berth/controller/pieces"
	"berth/controller/problem"
)

// fieldBase is the number of the release whose archive the pieces of an upload build on. It
// comes before the archive, which then has the type pieces.MediaType.
const fieldBase = "base"

// piecesBody holds pieces.Most sums, as JSON.
const piecesBody = 72 * pieces.Most

// piecesWish lists the pieces of an archive.
type piecesWish struct {
	Pieces []pieces.Sum `json:"pieces"`
}

// piecesJSON says which of them the archive of the release does not have.
type piecesJSON struct {
	Missing []pieces.Sum `json:"missing"`
}

// apiListMissing says what of an archive need be sent where an upload builds on the archive
// of a release.
func (a *admin) apiListMissing(v *visit) error {
	release, err := a.releaseOf(v)
	if err != nil {
		return err
	}
	var wish piecesWish
	if err := decodeJSON(v.request(), &wish, `{"pieces": ["<64 hexadecimal digits>"]}`); err != nil {
		return err
	}
	if len(wish.Pieces) > pieces.Most {
		return problem.TooLarge(fmt.Sprintf("The archive has more than %d pieces.", pieces.Most), "Send the archive as it is.").At("pieces")
	}
	base, err := a.sources.Base(v.context(), release)
	if err != nil {
		return err
	}
	defer func() { _ = base.Close() }()
	return v.json(http.StatusOK, piecesJSON{Missing: base.Missing(wish.Pieces)})
}

// expand returns the archive of which the part of an update has pieces. The caller calls
// end.
func (a *admin) expand(v *visit, form *upload, part io.Reader) (archive io.Reader, end func(), err error) {
	name, err := v.app()
	if err != nil {
		return nil, nil, problem.Invalid("A new app has no archive that an upload can build on.", "Send the archive as it is.").At(fieldBase)
	}
	number, err := strconv.ParseInt(form.fields[fieldBase], 10, 64)
	if err != nil {
		return nil, nil, problem.Invalid("The release is missing whose archive the pieces build on.", "Put the field "+fieldBase+" with its number before the archive.").At(fieldBase).Because(err)
	}
	release, err := a.releases.Release(v.context(), app.ReleaseID{App: name, Number: number})
	if err != nil {
		return nil, nil, problem.AtField(fieldBase, err)
	}
	base, err := a.sources.Base(v.context(), release)
	if err != nil {
		return nil, nil, problem.AtField(fieldBase, err)
	}
	return base.Expand(part), func() { _ = base.Close() }, nil
}

// receivedPieces says of an archive that could not be made of its pieces what to do.
func receivedPieces(err error) error {
	switch {
	case errors.Is(err, pieces.ErrUnknown):
		return problem.Conflict("The archive that this upload builds on is another one.", "Send the archive as it is.").At(fieldBase).Because(err)
	case errors.Is(err, pieces.ErrMalformed):
		return problem.Invalid("The upload is not the pieces of an archive.", "Send the archive as it is.").At(fieldArchive).Because(err)
	default:
		return err
	}
}
