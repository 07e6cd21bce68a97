// Package varnishstat reads the counters of varnishd and its VMODs.
package varnishstat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Reader gives the counters of this moment, by name; those alone that match the given globs, where there are any
// (varnishstat(1), option -f).
type Reader func(ctx context.Context, globs ...string) (map[string]Counter, error)

// Counter is one counter, as varnishstat tells of it.
type Counter struct {
	Description string `json:"description"`
	// Flag is what kind of a counter it is (varnish-counters(7)).
	Flag  string      `json:"flag"`
	Value json.Number `json:"value"`
}

// Program runs the given varnishstat on the varnishd whose working directory is dir.
func Program(path, dir string) Reader {
	return func(ctx context.Context, globs ...string) (map[string]Counter, error) {
		// -t 0: one attempt to reach varnishd. Where it is away, the next call finds it.
		args := []string{"-n", dir, "-t", "0", "-1", "-j"}
		for _, glob := range globs {
			args = append(args, "-f", glob)
		}
		command := exec.CommandContext(ctx, path, args...)
		command.WaitDelay = time.Second
		output, err := command.Output()
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			return nil, fmt.Errorf("run varnishstat: %w: %s", err, strings.TrimSpace(string(ended.Stderr)))
		}
		if err != nil {
			return nil, fmt.Errorf("run varnishstat: %w", err)
		}
		return Parse(output)
	}
}

// Parse reads what varnishstat -1 -j writes, version 1.
func Parse(output []byte) (map[string]Counter, error) {
	var document struct {
		Version  int                `json:"version"`
		Counters map[string]Counter `json:"counters"`
	}
	if err := json.Unmarshal(output, &document); err != nil {
		return nil, fmt.Errorf("read varnishstat's counters: %w", err)
	}
	if document.Version != 1 {
		return nil, fmt.Errorf("read varnishstat's counters: version %d of its format is not known", document.Version)
	}
	return document.Counters, nil
}
