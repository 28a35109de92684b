package docker

import "fmt"

// ReplicaName returns the container name of one of several copies of a service,
// counted from 1; the first has the service's own. No service's name holds a dot.
func ReplicaName(instance string, number int) string {
	if number <= 1 {
		return instance
	}
	return fmt.Sprintf("%s.%d", instance, number)
}
