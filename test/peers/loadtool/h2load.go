package loadtool

import (
	"bufio"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

var (
	h2loadFinished = regexp.MustCompile(`^finished in [0-9.]+\w+, ([0-9.]+) req/s`)
	h2loadRequests = regexp.MustCompile(`^requests: \d+ total, \d+ started, \d+ done, ` +
		`(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout`)
)

// ParseH2load reads what h2load prints at its end (nghttp2 1.52, src/h2load.cc). "succeeded" are
// answers with a status of 2xx or 3xx; "failed" counts the others, and among them those without an
// answer.
func ParseH2load(output string) (Result, error) {
	var r Result
	var err error
	seen := 0
	for lines := bufio.NewScanner(strings.NewReader(output)); lines.Scan(); {
		line := lines.Text()
		if m := h2loadFinished.FindStringSubmatch(line); m != nil {
			rate, e := strconv.ParseFloat(m[1], 64)
			r.Rate, err = rate, errors.Join(err, e)
			seen++
		} else if m := h2loadRequests.FindStringSubmatch(line); m != nil {
			var failed, errored, timeout int64
			err = errors.Join(err, numbers(m[1:], &r.Requests, &failed, &errored, &timeout))
			r.Failed = max(failed, errored+timeout)
			seen++
		}
	}
	if err != nil || seen != 2 {
		return Result{}, unreadable("h2load", output, err)
	}
	return r, nil
}
