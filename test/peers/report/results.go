// Package report keeps what benchmarks measured, and writes it as tables.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/varnish-gateway/gateway/test/trend"
)

// Metric is what was measured. Its name says the unit.
type Metric string

// The metrics. Those of a request are an average over all requests of one measurement.
const (
	RequestsPerSecond  Metric = "requests_per_second"
	CPUPerRequest      Metric = "cpu_microseconds_per_request"
	SwitchesPerRequest Metric = "context_switches_per_request"
	// OfferedRate is how many requests were due in each second of a measurement of latency.
	OfferedRate Metric = "offered_requests_per_second"
	P50         Metric = "p50_milliseconds"
	P90         Metric = "p90_milliseconds"
	P99         Metric = "p99_milliseconds"
	P999        Metric = "p99_9_milliseconds"
	// Reloads is how many configurations took effect during a measurement.
	Reloads Metric = "reloads"
	// Idle is the memory of a peer that has answered one request.
	Idle Metric = "idle_bytes"
	// Held is how many connections were open, or requests waiting, when memory was measured;
	// Refused how many requests were answered at once instead of waiting.
	Held    Metric = "held"
	Refused Metric = "refused"
	// BytesEach is the memory beyond Idle for each that is held.
	BytesEach Metric = "bytes_each"
	// Failed is how many requests got no answer, or a wrong one.
	Failed Metric = "failed"
	// Others is the share of all cores that processes beside the benchmark used.
	Others Metric = "others_share"
)

// Values of one metric, one for each round.
type Values []float64

// Median of the rounds.
func (v Values) Median() float64 { return trend.Median(v) }

// Least and Most of the rounds.
func (v Values) Least() float64 {
	least := v.first()
	for _, value := range v {
		least = min(least, value)
	}
	return least
}

// Most of the rounds.
func (v Values) Most() float64 {
	most := v.first()
	for _, value := range v {
		most = max(most, value)
	}
	return most
}

func (v Values) first() float64 {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// Subject is what was measured: a peer in one configuration.
type Subject struct {
	Name    string            `json:"name"`
	Metrics map[Metric]Values `json:"metrics"`
	// Problem says why there are no metrics, or why they are not to be trusted.
	Problem string `json:"problem,omitempty"`
}

// Machine is where it was measured.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memoryBytes"`
	Kernel string `json:"kernel"`
	System string `json:"system"`
}

// Run is one scenario that was measured.
type Run struct {
	Date     time.Time         `json:"date"`
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	// Rounds and Seconds of each measurement.
	Rounds  int     `json:"rounds"`
	Seconds float64 `json:"seconds"`
	// Noisy is how many measurements began although the machine was not quiet.
	Noisy    int       `json:"noisy"`
	Subjects []Subject `json:"subjects"`
}

// Values of a metric of a subject; none where it was not measured.
func (r Run) Values(subject string, metric Metric) Values {
	for _, s := range r.Subjects {
		if s.Name == subject {
			return s.Metrics[metric]
		}
	}
	return nil
}

// Results are the last runs of all scenarios, by name.
type Results struct {
	Scenarios map[string]Run `json:"scenarios"`
}

// Read results; there are none where there is no such file.
func Read(path string) (Results, error) {
	var r Results
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Results{Scenarios: map[string]Run{}}, nil
	}
	if err != nil {
		return r, fmt.Errorf("read results: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("read results: %s: %w", path, err)
	}
	if r.Scenarios == nil {
		return r, fmt.Errorf("read results: %s has no scenarios", path)
	}
	return r, nil
}

// Write the results.
func (r Results) Write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := replaceFile(path, append(data, '\n')); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// replaceFile never leaves half a file.
func replaceFile(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
