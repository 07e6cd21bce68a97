package report

import (
	"fmt"
	"strings"
)

// Aim is a ratio that is to be reached.
type Aim struct {
	// What is compared, At the scenario, Metric the medians.
	What   string
	At     string
	Metric Metric
	// Of is the subject whose median is divided by that of By. ByAt is the scenario of By where it
	// is another one.
	Of, By, ByAt string
	// Before is the ratio that was measured before the aim was set.
	Before string
	// Want is the ratio: at least, or at most.
	Want   float64
	AtMost bool
}

// Ratio of the medians; false where one was not measured.
func (a Aim) Ratio(results Results) (float64, bool) {
	byAt := a.ByAt
	if byAt == "" {
		byAt = a.At
	}
	of := results.Scenarios[a.At].Values(a.Of, a.Metric)
	by := results.Scenarios[byAt].Values(a.By, a.Metric)
	if len(of) == 0 || len(by) == 0 {
		return 0, false
	}
	ratio := of.Median() / by.Median()
	return ratio, usable(ratio)
}

// Reached tells whether a ratio is as it should be, in the two decimals that are shown.
func (a Aim) Reached(ratio float64) bool {
	const half = 0.005
	if a.AtMost {
		return ratio < a.Want+half
	}
	return ratio >= a.Want-half
}

// AimTable has what is aimed at, and what was reached.
func AimTable(aims []Aim, results Results) string {
	var b strings.Builder
	b.WriteString("| what | compared with | at first | aim | measured | reached |\n|---|---|---|---|---|---|\n")
	for _, a := range aims {
		bound := "at least"
		if a.AtMost {
			bound = "at most"
		}
		measured, reached := "not measured", ""
		if ratio, ok := a.Ratio(results); ok {
			measured, reached = fmt.Sprintf("%.2f", ratio), "no"
			if a.Reached(ratio) {
				reached = "yes"
			}
		}
		by := a.By
		if a.ByAt != "" {
			by += " in `" + a.ByAt + "`"
		}
		fmt.Fprintf(&b, "| %s (`%s`) | %s | %s | %s %.2f | %s | %s |\n", a.What, a.At, by, a.Before, bound, a.Want, measured, reached)
	}
	return b.String()
}
