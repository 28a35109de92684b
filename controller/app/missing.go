package app

import (
	"fmt"

	"berth/controller/problem"
)

// Missing says that there is no app of this name; err is what the ledger said.
func Missing(name Name, err error) *problem.Problem {
	return problem.NotFound(
		fmt.Sprintf("There is no app called %s.", name),
		"See the dashboard for the apps that there are.",
	).Because(err)
}
