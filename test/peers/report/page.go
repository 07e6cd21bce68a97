package report

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// end is the line behind the tables.
const end = "<!-- end of tables -->"

// begin is the line before the tables that a target of make writes.
func begin(target string) string { return "<!-- tables: written by make " + target + " -->" }

// UpdatePage writes text between the markers of a page for this target of make, and leaves the rest as it is.
func UpdatePage(path, target, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("update page: %w", err)
	}
	updated, err := replaceTables(string(page), begin(target), text)
	if err != nil {
		return fmt.Errorf("update page: %s: %w", path, err)
	}
	if err := replaceFile(path, []byte(updated)); err != nil {
		return fmt.Errorf("update page: %w", err)
	}
	return nil
}

func replaceTables(page, begin, text string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("there is no line %q with a line %q behind it", begin, end)
	}
	return before + begin + "\n\n" + strings.TrimSpace(text) + "\n\n" + end + after, nil
}

// Tables are all tables of the page.
func Tables(entries []Entry, aims []Aim, results Results) string {
	sections := []string{"### Aims\n\n" + AimTable(aims, results)}
	for _, part := range []struct {
		title string
		kind  Kind
	}{{"Throughput", Throughput}, {"Latency", Latency}, {"Memory", Memory}} {
		sections = append(sections, "### "+part.title+"\n\n"+legend(part.kind, entries)+"\n"+Table(part.kind, entries, results))
	}
	return strings.Join(append(sections, "### Runs\n\n"+runs(entries, results)), "\n")
}

// legend says what each scenario does.
func legend(kind Kind, entries []Entry) string {
	var b strings.Builder
	for _, entry := range entries {
		if entry.Kind == kind {
			b.WriteString(bullet("`" + entry.Name + "`: " + entry.What))
		}
	}
	return b.String()
}

// bullet wraps a point of a list at 100 columns.
func bullet(text string) string {
	var b strings.Builder
	line := "-"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 100 {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

// runs says when, where and with what each scenario was measured; those that are alike stand in one
// line.
func runs(entries []Entry, results Results) string {
	var order []string
	names := map[string][]string{}
	for _, entry := range entries {
		run, ok := results.Scenarios[entry.Name]
		if !ok {
			continue
		}
		circumstances := circumstances(run)
		if names[circumstances] == nil {
			order = append(order, circumstances)
		}
		names[circumstances] = append(names[circumstances], "`"+entry.Name+"`")
	}
	if len(order) == 0 {
		return "None yet.\n"
	}
	var b strings.Builder
	for _, circumstances := range order {
		b.WriteString(bullet(strings.Join(names[circumstances], ", ") + ": " + circumstances))
	}
	return b.String()
}

func circumstances(r Run) string {
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		versions = append(versions, name+" "+r.Versions[name])
	}
	noise := "the machine was quiet before each"
	if r.Noisy > 0 {
		noise = fmt.Sprintf("**%d of them began while the machine was not quiet**", r.Noisy)
	}
	if others := r.mostOthers(); others > othersWorthTelling {
		noise += fmt.Sprintf("; **other programs used up to %.0f %% of all cores**", 100*others)
	}
	return fmt.Sprintf("%s; %s, %d cores, %.0f GB, Linux %s, %s; %s; rounds: %d, of %g s; %s.",
		r.Date.UTC().Format("2006-01-02"), r.Machine.CPU, r.Machine.Cores, float64(r.Machine.Memory)/1e9, r.Machine.Kernel,
		r.Machine.System, strings.Join(versions, ", "), r.Rounds, r.Seconds, noise)
}

// othersWorthTelling is the share of all cores from which on it is told what other programs used.
const othersWorthTelling = 0.05

func (r Run) mostOthers() float64 {
	most := 0.0
	for _, subject := range r.Subjects {
		most = max(most, subject.Metrics[Others].Most())
	}
	return most
}
