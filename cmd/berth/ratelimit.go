package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// RateLimit allows Count requests in every Window. The zero value means that
// none was set and the built-in one holds.
type RateLimit struct {
	Count  int
	Window time.Duration
}

// RateLimits are the configured limits, by class of requests.
type RateLimits struct {
	Login, Upload, Update, VolumeCreate, VolumeUpload, Default RateLimit
}

var errRateLimit = errors.New("not a number, a slash and a duration")

// ParseRateLimit reads N/duration, such as 10/1h or 5/15m; the number may be
// left out of the duration, as in 5/m.
func ParseRateLimit(s string) (RateLimit, error) {
	number, window, found := strings.Cut(s, "/")
	count, err := strconv.Atoi(number)
	if !found || err != nil || count < 1 {
		return RateLimit{}, errRateLimit
	}
	if window != "" && (window[0] < '0' || window[0] > '9') {
		window = "1" + window
	}
	duration, err := time.ParseDuration(window)
	if err != nil || duration <= 0 {
		return RateLimit{}, errRateLimit
	}
	return RateLimit{Count: count, Window: duration}, nil
}
