package store

import "fmt"

// failure names the action that failed; nil stays nil.
func failure(err error, action string, arguments ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(action, arguments...), err)
}
