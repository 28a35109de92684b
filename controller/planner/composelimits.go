package planner

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/plan"
	"berth/controller/printable"
)

const (
	leastMemory   = 16 << 20
	leastNanoCPUs = 50_000_000
	leastCount    = 10 // processes
)

// limits reads the file's limits, within the operator's maximum.
func (c *composer) limits(to *plan.Service, from types.ServiceConfig) error {
	to.Limits = c.baseLimits(from.Name)
	wanted := types.Resource{NanoCPUs: types.NanoCPUs(from.CPUS), MemoryBytes: from.MemLimit, Pids: from.PidsLimit}
	reserved := from.MemReservation
	if err := c.checkBounded(from); err != nil {
		return err
	}
	if from.Deploy != nil {
		if limits := from.Deploy.Resources.Limits; limits != nil {
			wanted = merged(wanted, *limits)
		}
		if reservations := from.Deploy.Resources.Reservations; reservations != nil {
			reserved = max(reserved, reservations.MemoryBytes)
		}
	}
	most := c.options.Most
	for _, limit := range []struct {
		name, key             string
		wanted, least, atMost int64
		to                    *int64
	}{
		{"memory", "mem_limit", int64(wanted.MemoryBytes), leastMemory, most.MemoryBytes, &to.Limits.MemoryBytes},
		{"CPU", "cpus", nanoCPUs(wanted.NanoCPUs), leastNanoCPUs, most.NanoCPUs, &to.Limits.NanoCPUs},
		{"processes", "pids_limit", wanted.Pids, leastCount, most.Processes, &to.Limits.Processes},
	} {
		if limit.wanted == 0 {
			continue
		}
		limit.atMost = max(limit.atMost, *limit.to)
		*limit.to = min(max(limit.wanted, limit.least), limit.atMost)
		if *limit.to != limit.wanted {
			c.note("The service %s gets a limit of %s of %s, not %s.%s", from.Name, limit.name, amount(limit.name, *limit.to), amount(limit.name, limit.wanted), raise(*limit.to == limit.atMost))
		}
	}
	return c.memory(to, from, int64(reserved))
}

// checkBounded refuses limits below zero, which the engine reads as no limit, everywhere
// in the file: one of two places could hide the other.
func (c *composer) checkBounded(from types.ServiceConfig) error {
	resources := []types.Resource{{NanoCPUs: types.NanoCPUs(from.CPUS), MemoryBytes: min(from.MemLimit, from.MemReservation), Pids: from.PidsLimit}}
	if from.Deploy != nil {
		for _, more := range []*types.Resource{from.Deploy.Resources.Limits, from.Deploy.Resources.Reservations} {
			if more != nil {
				resources = append(resources, *more)
			}
		}
	}
	for _, r := range resources {
		for _, limit := range []struct {
			key   string
			below bool
		}{{"mem_limit", r.MemoryBytes < 0}, {"cpus", r.NanoCPUs < 0}, {"pids_limit", r.Pids < 0}} {
			if limit.below {
				return c.refuse(fmt.Sprintf("The service %s sets a limit below zero, which is outside what it can have: it would have none.", from.Name),
					"Write how much it may have, or remove the limit: Berth's own holds then.", c.limitPath(from.Name, limit.key)...)
			}
		}
	}
	return nil
}

// baseLimits are the limits of a service without limits in the file. The operator's
// limits for the app apply to the main service, so that they change no other service.
func (c *composer) baseLimits(name string) plan.Limits {
	if name == c.main {
		return c.options.Limits
	}
	base, most := plan.DefaultLimits(), c.options.Most
	for _, limit := range []struct {
		value *int64
		most  int64
	}{{&base.MemoryBytes, most.MemoryBytes}, {&base.NanoCPUs, most.NanoCPUs}, {&base.Processes, most.Processes}} {
		if limit.most > 0 {
			*limit.value = min(*limit.value, limit.most)
		}
	}
	return base
}

// memory returns the parts of the service's memory that have a size of their own.
func (c *composer) memory(to *plan.Service, from types.ServiceConfig, reserved int64) error {
	if reserved > to.Limits.MemoryBytes {
		c.note("The service %s reserves %s, not %s: no more memory than its limit.", from.Name, amount("memory", to.Limits.MemoryBytes), amount("memory", reserved))
	}
	shared, half := int64(from.ShmSize), to.Limits.MemoryBytes/2
	if shared < 0 {
		return c.refuse(fmt.Sprintf("The shared memory of %s is below zero.", from.Name), fmt.Sprintf("Write a shm_size of %s at most, or a higher limit of memory.", amount("memory", half)), "services", from.Name, "shm_size")
	}
	if shared > half {
		c.note("The service %s gets shared memory of %s, not %s: half of its memory is the most.%s", from.Name, amount("memory", half), amount("memory", shared), raise(true))
	}
	to.ReservedBytes, to.ShmBytes = min(reserved, to.Limits.MemoryBytes), min(shared, half)
	return nil
}

// raise says how a limit can be made higher, where it was cut.
func raise(cut bool) string {
	if !cut {
		return ""
	}
	return " A higher limit is set on the app's page, up to the server's maximum."
}

func merged(a, b types.Resource) types.Resource {
	return types.Resource{NanoCPUs: max(a.NanoCPUs, b.NanoCPUs), MemoryBytes: max(a.MemoryBytes, b.MemoryBytes), Pids: max(a.Pids, b.Pids)}
}

// limitPath is the place of a limit in the file: on its own, or under deploy.
func (c *composer) limitPath(service, key string) []string {
	if c.file.Has("services", service, key) {
		return []string{"services", service, key}
	}
	return []string{"services", service, "deploy", "resources"}
}

func nanoCPUs(cpus types.NanoCPUs) int64 {
	// Rounded, because the library stores a float of 32 bits.
	return int64(math.Round(float64(cpus)*1e4)) * 1e5
}

func amount(name string, value int64) string {
	switch name {
	case "memory":
		return fmt.Sprintf("%d MB", value>>20)
	case "CPU":
		return fmt.Sprintf("%.2f", float64(value)/1e9)
	default:
		return fmt.Sprint(value)
	}
}

func (c *composer) ulimits(to *plan.Service, from types.ServiceConfig) error {
	for _, name := range slices.Sorted(maps.Keys(from.Ulimits)) {
		most, known := plan.MostUlimits[name]
		if !known {
			c.fault(fmt.Sprintf("The ulimit %.40q cannot be set by an app.", name), "Use only "+printable.List(slices.Sorted(maps.Keys(plan.MostUlimits)))+".", "services", from.Name, "ulimits", name)
			continue
		}
		limit := from.Ulimits[name]
		if limit == nil {
			continue
		}
		soft, hard := int64(limit.Soft), int64(limit.Hard)
		if limit.Single != 0 {
			soft, hard = int64(limit.Single), int64(limit.Single)
		}
		endless := hard < 0 && name != "core"
		if soft > hard && !endless || soft < -1 || hard < -1 {
			c.fault(fmt.Sprintf("The ulimit %s has no order.", name), fmt.Sprintf("Write up to %d, the soft one not above the hard one.", most), "services", from.Name, "ulimits", name)
			continue
		}
		if endless || hard > most {
			c.note("The ulimit %s of %s is %d, not %s, which is more than apps can have.", name, from.Name, most, ulimitText(hard))
		}
		if hard < 0 || hard > most {
			hard = most
		}
		if soft < 0 || soft > hard {
			soft = hard
		}
		to.Ulimits = append(to.Ulimits, plan.Ulimit{Name: name, Soft: soft, Hard: hard})
	}
	return nil
}

func ulimitText(value int64) string {
	if value < 0 {
		return "unlimited"
	}
	return strconv.FormatInt(value, 10)
}
