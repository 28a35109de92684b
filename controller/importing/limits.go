package importing

import (
	"strconv"

	"github.com/docker/go-units"

	"berth/controller/app"
)

// setMemory takes a limit such as 512m over; what is no size, or no limit, is not one.
func (a *App) setMemory(text string) {
	bytes, err := units.RAMInBytes(text)
	if err != nil || bytes <= 0 {
		return
	}
	a.setMemoryBytes(bytes)
}

func (a *App) setMemoryBytes(bytes int64) {
	least := app.LeastLimits().MemoryBytes
	if bytes < least {
		a.note("Its memory limit becomes %d MB, the least that an app can have here.", least/app.BytesPerMB)
		bytes = least
	}
	a.Limits.MemoryMB = bytes / app.BytesPerMB
}

// setCPU takes a limit of cores over, such as 0.5.
func (a *App) setCPU(text string) {
	cores, err := strconv.ParseFloat(text, 64)
	if err != nil || cores <= 0 || cores > 1024 {
		return
	}
	least := app.LeastLimits().NanoCPUs / app.NanosPerPercent
	a.Limits.CPUPercent = max(int64(cores*100), least)
}
