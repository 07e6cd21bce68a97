package explain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
)

// Ghost decides by a ghost-explain binary: the code by which gateways decide.
func Ghost(path string) Decider {
	return func(ctx context.Context, question CacheQuestion) (CacheDecision, error) {
		text, err := json.Marshal(question)
		if err != nil {
			return CacheDecision{}, fmt.Errorf("encode the question: %w", err)
		}
		cmd := exec.CommandContext(ctx, path)
		var out, errs bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &out, &errs
		if err := cmd.Run(); err != nil {
			return CacheDecision{}, fmt.Errorf("%s: %w: %s", path, err, bytes.TrimSpace(errs.Bytes()))
		}
		var found CacheDecision
		if err := json.Unmarshal(out.Bytes(), &found); err != nil {
			return CacheDecision{}, fmt.Errorf("read the answer of %s: %w", path, err)
		}
		return found, nil
	}
}
