package chart

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Unit is how the values of a chart are worded.
type Unit uint8

// The units.
const (
	Number Unit = iota
	Percent
	Bytes
	BytesEachSecond
	EachSecond
	Seconds
)

var unitNames = []string{"number", "percent", "bytes", "bytes_per_second", "per_second", "seconds"}

// Name is the unit in the API.
func (u Unit) Name() string { return unitNames[u] }

// UnitNamed returns the unit of a name; false where there is none.
func UnitNamed(name string) (Unit, bool) {
	at := slices.Index(unitNames, name)
	return Unit(max(at, 0)), at >= 0
}

// Words gives a value with its unit.
func (u Unit) Words(value float64) string {
	switch u {
	case Percent:
		return short(value) + " %"
	case Bytes:
		return bytesWords(value)
	case BytesEachSecond:
		return bytesWords(value) + "/s"
	case EachSecond:
		return short(value) + "/s"
	case Seconds:
		if value < 1 {
			return short(1000*value) + " ms"
		}
		return short(value) + " s"
	default:
		return short(value)
	}
}

func short(value float64) string {
	switch {
	case value == math.Trunc(value) || value >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case value >= 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	case value >= 0.01:
		return strconv.FormatFloat(value, 'f', 2, 64)
	default:
		return strconv.FormatFloat(value, 'g', 1, 64)
	}
}

func bytesWords(value float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	at := 0
	for value >= 1024 && at < len(units)-1 {
		value, at = value/1024, at+1
	}
	if at == 0 {
		value = math.Round(value)
	}
	return fmt.Sprintf("%s %s", short(value), units[at])
}

// top is the end of the axis: a round number that is not below most.
func (u Unit) top(most float64) float64 {
	if most <= 0 {
		most = u.least()
	}
	base := 1.0
	if u == Bytes || u == BytesEachSecond {
		for most/base >= 1024 {
			base *= 1024
		}
	}
	power := math.Pow(10, math.Floor(math.Log10(most/base)))
	for _, step := range []float64{1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10} {
		if top := step * power * base; top >= most*0.999999 {
			return top
		}
	}
	return 10 * power * base
}

// least is the end of the axis where all is zero.
func (u Unit) least() float64 {
	switch u {
	case Bytes, BytesEachSecond:
		return 1024
	case Seconds:
		return 0.01
	default:
		return 1
	}
}
