package problem

import "errors"

// The errors of a Ledger for a row that does not exist, or exists already.
var (
	ErrNotFound  = errors.New("not found")
	ErrNameTaken = errors.New("name is taken")
)

// IgnoreMissing drops the error about a row that is gone.
func IgnoreMissing(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
