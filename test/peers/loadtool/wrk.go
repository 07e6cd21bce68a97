// Package loadtool runs wrk and h2load, and reads what they print.
package loadtool

import (
	"bufio"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Result is what a load tool says of one run.
type Result struct {
	// Rate is requests answered in each second.
	Rate float64
	// Requests that were answered.
	Requests int64
	// Failed is how many requests got no answer, or one whose status is neither 2xx nor 3xx.
	Failed int64
}

var (
	wrkRequests = regexp.MustCompile(`^\s*(\d+) requests in `)
	wrkRate     = regexp.MustCompile(`^Requests/sec:\s+([0-9.]+)`)
	wrkSocket   = regexp.MustCompile(`^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	wrkStatus   = regexp.MustCompile(`^\s*Non-2xx or 3xx responses: (\d+)`)
)

// ParseWrk reads what wrk prints at its end (wrk 4.1, src/wrk.c). Answers with a wrong status are
// among its requests; socket errors are not.
func ParseWrk(output string) (Result, error) {
	var r Result
	var err error
	seen := 0
	for lines := bufio.NewScanner(strings.NewReader(output)); lines.Scan(); {
		line := lines.Text()
		if m := wrkRequests.FindStringSubmatch(line); m != nil {
			err = errors.Join(err, numbers(m[1:], &r.Requests))
			seen++
		} else if m := wrkRate.FindStringSubmatch(line); m != nil {
			rate, e := strconv.ParseFloat(m[1], 64)
			r.Rate, err = rate, errors.Join(err, e)
			seen++
		} else if m := wrkSocket.FindStringSubmatch(line); m != nil {
			var connect, read, write, timeout int64
			err = errors.Join(err, numbers(m[1:], &connect, &read, &write, &timeout))
			r.Failed += connect + read + write + timeout
		} else if m := wrkStatus.FindStringSubmatch(line); m != nil {
			var status int64
			err = errors.Join(err, numbers(m[1:], &status))
			r.Failed += status
		}
	}
	if err != nil || seen != 2 {
		return Result{}, unreadable("wrk", output, err)
	}
	return r, nil
}

func numbers(texts []string, to ...*int64) error {
	for i, text := range texts {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		*to[i] = n
	}
	return nil
}

func unreadable(tool, output string, err error) error {
	problem := fmt.Errorf("%s printed no result that can be read: %q", tool, strings.TrimSpace(output))
	return errors.Join(problem, err)
}
