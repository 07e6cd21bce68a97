package purge

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/test/peers/report"
	"github.com/varnish-gateway/gateway/test/trend"
)

// Results of a run.
type Results struct {
	Date    time.Time      `json:"date"`
	Machine report.Machine `json:"machine"`
	// Objects in the cache, and Tags of each.
	Objects int `json:"objects"`
	Tags    int `json:"tags"`
	// Rate of requests in a second while it is purged.
	Rate float64 `json:"requestsPerSecond"`
	// FillSeconds is how long it took to fetch all objects once.
	FillSeconds float64 `json:"fillSeconds"`
	// BytesEach is the memory of the gateway beyond that of an empty one, for each object.
	BytesEach float64 `json:"bytesEach"`
	Purges    []Purge `json:"purges"`
}

// Purge of one tag. Times are in milliseconds from the order.
type Purge struct {
	// Objects that have the tag.
	Objects int `json:"objects"`
	// LastStale is when a client got the last stale answer; 0 where none got one.
	LastStale float64 `json:"lastStaleMilliseconds"`
	// Stale is how many stale answers clients got meanwhile.
	Stale int `json:"stale"`
	// Call is how long gatewayctl purge took.
	Call float64 `json:"callMilliseconds"`
	// Fetched is how many of the objects were asked for and fetched anew.
	Fetched int `json:"fetched"`
	// Failed requests, during the whole measurement.
	Failed int `json:"failed"`
	// Before the order, and During the first second behind it.
	Before Latencies `json:"before"`
	During Latencies `json:"during"`
}

// Latencies in milliseconds, each from the time at which the request was due.
type Latencies struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Most float64 `json:"most"`
}

// Read results. Nil where there is no such file.
func Read(path string) (*Results, error) {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var r Results
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read results: %s: %w", path, err)
	}
	return &r, nil
}

// Write the results.
func (r *Results) Write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// WritePage writes the table of results into a page.
func WritePage(page string, r *Results) error {
	return report.UpdatePage(page, "bench-purge", r.table())
}

// table has a line for each size of a tag: medians of its rounds, with the least and the most of what matters most.
func (r *Results) table() string {
	if r == nil {
		return "Not measured yet.\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d objects with %d tags each, %.0f requests/s. Half of them are for what is purged.\n\n", r.Objects, r.Tags, r.Rate)
	b.WriteString("| objects of the tag | rounds | last stale answer, ms | least to most | call, ms | stale | fetched anew | failed |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, size := range r.sizes() {
		rounds := r.of(size)
		stale := values(rounds, func(p Purge) float64 { return p.LastStale })
		fmt.Fprintf(&b, "| %d | %d | %.1f | %.1f to %.1f | %.1f | %.0f | %.0f | %.0f |\n", size, len(rounds), stale.Median(), stale.Least(),
			stale.Most(), median(rounds, func(p Purge) float64 { return p.Call }), median(rounds, func(p Purge) float64 { return float64(p.Stale) }),
			median(rounds, func(p Purge) float64 { return float64(p.Fetched) }), values(rounds, func(p Purge) float64 { return float64(p.Failed) }).Most())
	}
	b.WriteString("\nWhat clients waited, in ms, before the order and in the first second behind it:\n\n")
	b.WriteString("| objects of the tag | p50 before | p50 | p99 before | p99 | p99.9 before | p99.9 | most before | most |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, size := range r.sizes() {
		rounds := r.of(size)
		fmt.Fprintf(&b, "| %d |", size)
		for _, of := range []func(Latencies) float64{
			func(l Latencies) float64 { return l.P50 }, func(l Latencies) float64 { return l.P99 },
			func(l Latencies) float64 { return l.P999 }, func(l Latencies) float64 { return l.Most },
		} {
			fmt.Fprintf(&b, " %.2f | %.2f |", median(rounds, func(p Purge) float64 { return of(p.Before) }),
				median(rounds, func(p Purge) float64 { return of(p.During) }))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\nIt took %.0f s to fetch all objects once, and %.0f bytes of memory for each.\n", r.FillSeconds, r.BytesEach)
	fmt.Fprintf(&b, "%s; %s, %d cores, %.0f GB, Linux %s, %s.\n", r.Date.UTC().Format("2006-01-02"), r.Machine.CPU, r.Machine.Cores,
		float64(r.Machine.Memory)/1e9, r.Machine.Kernel, r.Machine.System)
	return b.String()
}

func (r *Results) sizes() []int {
	var sizes []int
	for _, p := range r.Purges {
		sizes = append(sizes, p.Objects)
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

func (r *Results) of(size int) []Purge {
	return slices.DeleteFunc(slices.Clone(r.Purges), func(p Purge) bool { return p.Objects != size })
}

func values(purges []Purge, of func(Purge) float64) report.Values {
	var all report.Values
	for _, p := range purges {
		all = append(all, of(p))
	}
	return all
}

func median(purges []Purge, of func(Purge) float64) float64 { return trend.Median(values(purges, of)) }
