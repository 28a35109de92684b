package compose

import (
	"slices"
	"strings"
)

// ownPrefix begins the names that Berth gives to what it makes in the engine.
const ownPrefix = "berth"

// judges refuse some values of keys that have no effect otherwise: a person who writes
// them expects what Berth never does.
var judges = map[string]func(value *node) (reason, hint string){
	"services.*.logging": func(value *node) (string, string) {
		driver := value.fields["driver"]
		if driver == nil || slices.Contains([]string{"", "json-file", "local", "none", "journald"}, driver.text) {
			return "", ""
		}
		return "logging cannot be used. It sends lines elsewhere, and Berth keeps every log.", "Remove logging, or let the app itself send its lines."
	},
	"services.*.network_mode": func(value *node) (string, string) {
		if value.text == "bridge" || value.text == "default" {
			return "", ""
		}
		return "network_mode cannot be used. It would take the service off the app's own network.", useNetwork
	},
	"services.*.memswap_limit":  refuseEndless,
	"services.*.mem_swappiness": refuseEndless,
	"networks.*.name":           refuseOwnName("It would join the network of another app or of the platform."),
	"volumes.*.name":            refuseOwnName("Berth names volumes, so that no app mounts another's."),
}

// judge refuses a key with no effect for its value. It reports whether it did.
func (c *checker) judge(n *node, key, pattern, place string) bool {
	judge, found := judges[pattern]
	if !found {
		return false
	}
	reason, hint := judge(n.fields[key])
	if reason != "" {
		c.refuse(n, key, place, reason, hint)
	}
	return reason != ""
}

func refuseEndless(value *node) (reason, hint string) {
	if !strings.HasPrefix(value.text, "-") {
		return "", ""
	}
	return "Services have no swap.", useLimits
}

func refuseOwnName(why string) func(*node) (string, string) {
	return func(value *node) (reason, hint string) {
		if !strings.HasPrefix(strings.ToLower(value.text), ownPrefix) {
			return "", ""
		}
		return why, useRemove
	}
}
