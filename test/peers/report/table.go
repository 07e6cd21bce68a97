package report

import (
	"fmt"
	"math"
	"strings"
)

// Kind of a scenario decides the columns of its table.
type Kind int

// The kinds.
const (
	Throughput Kind = iota
	Latency
	Memory
)

// Entry is a scenario as the tables name it.
type Entry struct {
	Name string
	// What is measured, in some words.
	What string
	Kind Kind
	// Own is the subject that the others are compared with.
	Own string
}

// column of a table.
type column struct {
	title  string
	metric Metric
	format func(Values) string
	// ratio compares medians: those of Own divided by those of the subject.
	ratio bool
}

var columns = map[Kind][]column{
	Throughput: {
		{title: "requests/s", metric: RequestsPerSecond, format: whole},
		{title: "least to most", metric: RequestsPerSecond, format: spread(thousands)},
		{title: "ours divided by it", metric: RequestsPerSecond, ratio: true},
		{title: "CPU us/request", metric: CPUPerRequest, format: decimals(1)},
		{title: "switches/request", metric: SwitchesPerRequest, format: decimals(2)},
		{title: "failed", metric: Failed, format: sum},
	},
	Latency: {
		{title: "offered/s", metric: OfferedRate, format: whole},
		{title: "p50 ms", metric: P50, format: decimals(2)},
		{title: "p90 ms", metric: P90, format: decimals(2)},
		{title: "p99 ms", metric: P99, format: decimals(2)},
		{title: "p99 least to most", metric: P99, format: spread(func(v float64) string { return fmt.Sprintf("%.2f", v) })},
		{title: "p99.9 ms", metric: P999, format: decimals(2)},
		{title: "our p99 divided by it", metric: P99, ratio: true},
		{title: "reloads", metric: Reloads, format: sum},
		{title: "failed", metric: Failed, format: sum},
	},
	Memory: {
		{title: "idle MB", metric: Idle, format: megabytes},
		{title: "held", metric: Held, format: whole},
		{title: "refused", metric: Refused, format: whole},
		{title: "kB for each held", metric: BytesEach, format: kilobytes},
		{title: "ours divided by it", metric: BytesEach, ratio: true},
		{title: "failed", metric: Failed, format: sum},
	},
}

// Table of all scenarios of a kind that have results, in the order of entries.
func Table(kind Kind, entries []Entry, results Results) string {
	var b strings.Builder
	b.WriteString("| scenario | measured |")
	for _, c := range columns[kind] {
		fmt.Fprintf(&b, " %s |", c.title)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(columns[kind])) + "\n")
	for _, entry := range entries {
		run, ok := results.Scenarios[entry.Name]
		if entry.Kind != kind || !ok {
			continue
		}
		for i, subject := range run.Subjects {
			name := ""
			if i == 0 {
				name = "`" + entry.Name + "`"
			}
			fmt.Fprintf(&b, "| %s | %s |%s\n", name, subject.Name, cells(kind, entry, run, subject))
		}
	}
	return b.String()
}

func cells(kind Kind, entry Entry, run Run, subject Subject) string {
	var b strings.Builder
	for i, c := range columns[kind] {
		values := subject.Metrics[c.metric]
		text := ""
		switch {
		case subject.Problem != "" && i == 0:
			text = subject.Problem
		case len(values) == 0:
		case !c.ratio:
			text = c.format(values)
		case subject.Name != entry.Own:
			if ratio := run.Values(entry.Own, c.metric).Median() / values.Median(); usable(ratio) {
				text = fmt.Sprintf("%.2f", ratio)
			}
		}
		fmt.Fprintf(&b, " %s |", text)
	}
	return b.String()
}

func usable(ratio float64) bool { return ratio != 0 && !math.IsInf(ratio, 0) && !math.IsNaN(ratio) }

func whole(v Values) string     { return thousands(v.Median()) }
func megabytes(v Values) string { return fmt.Sprintf("%.1f", v.Median()/1e6) }
func kilobytes(v Values) string { return fmt.Sprintf("%.1f", v.Median()/1e3) }

func decimals(n int) func(Values) string {
	return func(v Values) string { return fmt.Sprintf("%.*f", n, v.Median()) }
}

func sum(v Values) string {
	total := 0.0
	for _, value := range v {
		total += value
	}
	return thousands(total)
}

func spread(format func(float64) string) func(Values) string {
	return func(v Values) string { return format(v.Least()) + " to " + format(v.Most()) }
}

// thousands writes a whole number with commas.
func thousands(v float64) string {
	digits := fmt.Sprintf("%.0f", math.Abs(v))
	var b strings.Builder
	if v < 0 && digits != "0" {
		b.WriteByte('-')
	}
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}
