package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"berth/controller/problem"
)

// remedyColumn stores a remedy as a JSON object, and none as nothing.
type remedyColumn struct{ remedy *problem.Remedy }

// Value returns the object.
func (c remedyColumn) Value() (driver.Value, error) {
	if *c.remedy == (problem.Remedy{}) {
		return "", nil
	}
	text, err := json.Marshal(c.remedy)
	return string(text), err
}

// Scan sets the remedy.
func (c remedyColumn) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("a remedy is a %T", value)
	}
	*c.remedy = problem.Remedy{}
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), c.remedy)
}
