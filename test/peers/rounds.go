package peers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/test/peers/report"
)

// scenario measures its subjects in interleaved rounds.
func (b *bench) scenario(ctx context.Context, s scenario) (run report.Run, err error) {
	began := time.Now()
	if err := os.Mkdir(b.peersDir(), 0o700); err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.peersDir())) }()
	stop, err := b.startOrigin(ctx, s)
	if err != nil {
		return run, fmt.Errorf("origin: %w", err)
	}
	defer func() { err = errors.Join(err, stop()) }()
	instances, err := b.startAll(ctx, s)
	defer func() { err = errors.Join(err, stopAll(instances)) }()
	if err != nil {
		return run, err
	}
	run = report.Run{
		Date: time.Now().UTC().Truncate(time.Second), Machine: ThisMachine(), Versions: b.tools.versions(),
		Rounds: b.options.Rounds, Seconds: float64(b.options.Seconds), Subjects: make([]report.Subject, len(s.subjects)),
	}
	if s.rounds != 0 {
		run.Rounds = s.rounds
	}
	for i, subject := range s.subjects {
		run.Subjects[i] = report.Subject{Name: subject.name, Metrics: map[report.Metric]report.Values{}}
	}
	fmt.Fprintf(b.options.Out, "%s: started in %.1f s\n", s.name, time.Since(began).Seconds())
	for round := range run.Rounds {
		for at := range s.subjects {
			// Each round begins with another subject.
			i := (at + round) % len(s.subjects)
			if err := b.once(ctx, s, instances[i], &run, i); err != nil {
				return run, err
			}
		}
	}
	fmt.Fprintf(b.options.Out, "%s: measured in %.1f s\n", s.name, time.Since(began).Seconds())
	return run, nil
}

// once measures one subject and notes the sample. What fails is noted in the subject, which is then
// left alone.
func (b *bench) once(ctx context.Context, s scenario, i instance, run *report.Run, at int) error {
	subject := &run.Subjects[at]
	if subject.Problem != "" {
		return nil
	}
	calm, err := b.quiet.wait(ctx)
	if err != nil {
		return err
	}
	if !calm {
		run.Noisy++
	}
	watch, err := startWatch()
	if err != nil {
		return err
	}
	values, err := s.measure(ctx, b, i)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		subject.Problem = firstLine(err)
		fmt.Fprintf(b.options.Out, "  %-30s %v\n", subject.Name, err)
		return nil
	}
	if values[report.Others], err = watch.others(); err != nil {
		return err
	}
	for metric, value := range values {
		subject.Metrics[metric] = append(subject.Metrics[metric], value)
	}
	fmt.Fprintf(b.options.Out, "  %-30s %s\n", subject.Name, values)
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// String lists the values of a sample.
func (s sample) String() string {
	var parts []string
	for _, metric := range slices.Sorted(maps.Keys(s)) {
		parts = append(parts, fmt.Sprintf("%s %s", metric, short(s[metric])))
	}
	return strings.Join(parts, ", ")
}

// short writes a number with three digits or more, and without an exponent.
func short(v float64) string {
	decimals := 3
	for size := math.Abs(v); size >= 1 && decimals > 0; size /= 10 {
		decimals--
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}
