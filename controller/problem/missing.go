package problem

import "errors"

// What a Ledger says of a row that is not there, or is there already.
var (
	ErrNotFound  = errors.New("not found")
	ErrNameTaken = errors.New("name is taken")
)
