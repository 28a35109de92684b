package problem

import "errors"

func AtField(field string, err error) error {
	if problem, ok := errors.AsType[*Problem](err); ok {
		moved := *problem
		moved.Field = field
		return &moved
	}
	return err
}
