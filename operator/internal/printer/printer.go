// Package printer shows statuses on a terminal, as kubectl get would: a table for each kind, and below it a line
// for each condition that is not as it should be. What was shown is not shown again until it changes.
package printer

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// maxRows is how many rows of a kind are shown at once; the rest are counted. What is wrong with them is shown anyway:
// a row that does not change is not shown again.
const maxRows = 50

// Printer remembers what it has shown. It is for one goroutine.
type Printer struct {
	out, err io.Writer
	// rows that were shown, by kind and name.
	rows     map[string]row
	problems []manifest.Problem
}

// New prints statuses to out and problems of the manifests to err.
func New(out, err io.Writer) *Printer {
	return &Printer{out: out, err: err, rows: map[string]row{}}
}

// row is one object in its table.
type row struct {
	name  string
	cells []string
	// notes are the conditions that are not as they should be.
	notes []string
}

func (r row) equal(other row) bool {
	return strings.Join(r.cells, "\x00") == strings.Join(other.cells, "\x00") &&
		strings.Join(r.notes, "\x00") == strings.Join(other.notes, "\x00")
}

// table is one kind of object.
type table struct {
	kind   string
	header []string
	rows   []row
	// onlyNoted leaves out the rows that have no notes, and had none.
	onlyNoted bool
}

// Print shows what changed since the last call.
func (p *Printer) Print(problems []manifest.Problem, r report.Report) {
	p.printProblems(problems)
	now := map[string]row{}
	for _, t := range tables(r) {
		p.printTable(t, now)
	}
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		if _, still := now[key]; !still {
			fmt.Fprintf(p.out, "%s deleted\n", key)
		}
	}
	p.rows = now
}

// printTable shows the rows that are new or changed, and notes all in now.
func (p *Printer) printTable(t table, now map[string]row) {
	var changed []row
	for _, r := range t.rows {
		key := t.kind + " " + r.name
		now[key] = r
		old, shown := p.rows[key]
		if t.onlyNoted && len(r.notes) == 0 && len(old.notes) == 0 {
			continue
		}
		if !shown || !old.equal(r) {
			changed = append(changed, r)
		}
	}
	if len(changed) == 0 {
		return
	}
	shown := changed[:min(maxRows, len(changed))]
	w := tabwriter.NewWriter(p.out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, strings.Join(t.header, "\t"))
	for _, r := range shown {
		fmt.Fprintln(w, strings.Join(r.cells, "\t"))
	}
	w.Flush()
	if rest := len(changed) - len(shown); rest > 0 {
		fmt.Fprintf(p.out, "... and %d more\n", rest)
	}
	for _, r := range changed {
		for _, note := range r.notes {
			fmt.Fprintf(p.out, "  %s %s: %s\n", t.kind, r.name, strings.ReplaceAll(note, "\n", "\n    "))
		}
	}
	fmt.Fprintln(p.out)
}

// printProblems shows the problems that are new, and says when there are none any more.
func (p *Printer) printProblems(problems []manifest.Problem) {
	shown := map[manifest.Problem]bool{}
	for _, problem := range p.problems {
		shown[problem] = true
	}
	for _, problem := range problems {
		if !shown[problem] {
			fmt.Fprintln(p.err, problem)
		}
	}
	if len(problems) == 0 && len(p.problems) > 0 {
		fmt.Fprintln(p.err, "all manifests are sound again")
	}
	p.problems = problems
}
