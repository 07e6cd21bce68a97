package e2e

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// h2specFailures are the tests of h2spec that fail, by number, each with the reason. HTTP/2 is varnishd's own; what it
// does otherwise than RFC 7540 said is not for us to change.
var h2specFailures = map[string]string{
	"generic/4/4":     "varnishd takes no trailers of a request",
	"hpack/4.2/1":     "varnishd takes a new table size also at the end of a header block",
	"http2/3.5/2":     "varnishd takes a wrong preface for a request of HTTP/1, and answers 400",
	"http2/5.1/8":     "varnishd ignores what still comes for a stream that was reset",
	"http2/5.3.1/1":   "varnishd ignores priorities, which RFC 9113 has no more",
	"http2/5.3.1/2":   "varnishd ignores priorities, which RFC 9113 has no more",
	"http2/5.5/2":     "varnishd ignores a frame of an unknown type also within a header block",
	"http2/6.3/2":     "varnishd ignores priorities, which RFC 9113 has no more",
	"http2/6.7/2":     "varnishd answers a PING that is an answer itself",
	"http2/8.1.2.1/4": "varnishd takes pseudo fields in any place",
	"http2/8.1.2.2/1": "varnishd takes fields of the connection; none of them reaches a backend",
	"http2/8.1.2.2/2": "varnishd takes TE of any value; it reaches no backend",
}

// h2specEither are tests that pass or fail by which of two things comes first, each with the reason.
var h2specEither = map[string]string{
	"http2/5.1/11": "varnishd forgets a stream some time after it ended, and ignores DATA until then",
	"http2/6.1/2":  "varnishd forgets a stream some time after it ended, and ignores DATA until then",
}

// h2specTries is how often a test must turn out otherwise than listed: some depend on how packets are cut.
const h2specTries = 3

// TestH2spec runs h2spec on both listeners. It fails where a test of h2spec fails that is not listed, and where one that
// is listed passes: then the list is too long.
func TestH2spec(t *testing.T) {
	one := startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port))
	g.await("the route", func() error { return g.from("one", "http://a.example/") })
	for scheme, port := range map[string]int{"http": g.http, "https": g.https} {
		t.Run(scheme, func(t *testing.T) {
			c := config.Config{
				Host: "127.0.0.1", Port: port, Path: "/", Timeout: 2 * time.Second, MaxHeaderLen: 4000,
				TLS: scheme == "https", Insecure: true, Strict: true,
			}
			failed, n := h2spec(c)
			assert.Greater(t, n, 140, "h2spec has that many tests")
			for range h2specTries - 1 {
				for _, number := range otherwise(failed) {
					delete(failed, number)
					one := c
					one.Sections = []string{number}
					again, _ := h2spec(one)
					maps.Copy(failed, again)
				}
			}
			for _, number := range otherwise(failed) {
				if problem, ok := failed[number]; ok {
					assert.Fail(t, number+" fails", problem)
				} else {
					assert.Fail(t, number+" passes, and is listed", h2specFailures[number])
				}
			}
		})
	}
}

// otherwise lists the tests that turned out otherwise than listed.
func otherwise(failed map[string]string) []string {
	var numbers []string
	for number := range failed {
		if h2specFailures[number] == "" && h2specEither[number] == "" {
			numbers = append(numbers, number)
		}
	}
	for number := range h2specFailures {
		if failed[number] == "" {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// h2spec gives the tests that fail, each with what h2spec says of it, and how many tests ran.
func h2spec(c config.Config) (map[string]string, int) {
	failed, n := map[string]string{}, 0
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		group.Test(&c)
		n += group.PassedCount + group.FailedCount
		collect(group, failed)
	}
	return failed, n
}

// isClosed says whether a connection was closed that might be, with bytes unread: then the kernel resets it, and h2spec
// takes that for an error.
func isClosed(problem error) bool {
	var told *spec.TestError
	return errors.As(problem, &told) && strings.Contains(told.Actual, "connection reset by peer") &&
		slices.ContainsFunc(told.Expected, func(s string) bool { return strings.Contains(s, "Connection closed") })
}

func collect(group *spec.TestGroup, failed map[string]string) {
	for _, test := range slices.Concat(group.Tests, group.StrictTests) {
		if r := test.Result; r != nil && r.Failed && !isClosed(r.Error) {
			failed[fmt.Sprintf("%s/%d", group.ID(), r.Sequence)] = fmt.Sprintf("%s: %v", test.Desc, r.Error)
		}
	}
	for _, below := range group.Groups {
		collect(below, failed)
	}
}
