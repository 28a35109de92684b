package plan

import (
	"slices"

	"berth/controller/recipe"
)

// defaultPort is an app's port if neither the operator nor its image sets one.
const defaultPort = recipe.Port

// OtherPorts are well-known ports of protocols that are not plain HTTP, most of them by
// IANA's registry.
var OtherPorts = []uint16{
	20, 21, 22, 23, 25, 53, 67, 68, 69, 88, 110, 111, 123, 135, 137, 138, 139, 143, 161, 162, 179, 389, 443, 445, 465, 500, 514,
	548, 554, 587, 636, 853, 873, 989, 990, 993, 995, 1025, 1194, 1433, 1521, 1701, 1723, 1883, 1935, 2049, 2181, 2222, 2379, 2380,
	3306, 3389, 3478, 4222, 4369, 5060, 5061, 5222, 5269, 5349, 5432, 5433, 5671, 5672, 5900, 6379, 6380, 6667, 6697, 7000, 7687, 8443,
	8883, 9042, 9092, 9093, 9300, 11211, 19132, 25565, 25672, 26257, 27015, 27017, 27018, 33060, 51820, 61613, 61616,
}

// FirstHTTPPort returns the first of the ports that no other protocol than HTTP is known
// for; 0 if there is none.
func FirstHTTPPort(ports []uint16) uint16 {
	for _, port := range ports {
		if port != 0 && !slices.Contains(OtherPorts, port) {
			return port
		}
	}
	return 0
}

// ChoosePort returns the port that a service listens on: the wanted port, or 8000 if the
// image exposes it, or the lowest exposed port that may speak HTTP, or the lowest at all,
// or 8000.
func ChoosePort(wanted uint16, exposed []uint16) uint16 {
	if wanted != 0 {
		return wanted
	}
	sorted := slices.DeleteFunc(slices.Sorted(slices.Values(exposed)), func(port uint16) bool { return port == 0 })
	switch likely := FirstHTTPPort(sorted); {
	case slices.Contains(sorted, defaultPort) || len(sorted) == 0:
		return defaultPort
	case likely != 0:
		return likely
	default:
		return sorted[0]
	}
}
