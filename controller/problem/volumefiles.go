package problem

import "errors"

// InField moves a Problem to another field of the form.
func InField(field string, err error) error {
	problem, ok := errors.AsType[*Problem](err)
	if !ok {
		return err
	}
	moved := *problem
	moved.Field = field
	return &moved
}
