package varnishcli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// VCL is one line of vcl.list.
type VCL struct {
	Name string `json:"name"`
	// Status is "active", "available" or "discarded".
	Status string `json:"status"`
	// State is "auto", "cold" or "warm".
	State string `json:"state"`
	// Busy counts the tasks that still use it.
	Busy int `json:"busy"`
}

// Pids are the processes of varnishd.
type Pids struct {
	// Master is the manager, Worker its child; 0 where there is none.
	Master int `json:"master"`
	Worker int `json:"worker"`
}

// Ping asks for a sign of life.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.Do(ctx, "ping")
	return err
}

// LoadVCL compiles a file, looked up in vcl_path, under a name. A *CommandError carries the compiler's
// message.
func (c *Client) LoadVCL(ctx context.Context, name, path string) error {
	_, err := c.doWithin(ctx, compileWithin, "vcl.load", name, path)
	return err
}

// UseVCL makes a loaded VCL the active one.
func (c *Client) UseVCL(ctx context.Context, name string) error {
	_, err := c.doWithin(ctx, compileWithin, "vcl.use", name)
	return err
}

// DiscardVCL gives a VCL up; varnishd frees it when the last task that uses it has ended.
func (c *Client) DiscardVCL(ctx context.Context, name string) error {
	_, err := c.Do(ctx, "vcl.discard", name)
	return err
}

// ListVCL lists the VCLs that varnishd knows.
func (c *Client) ListVCL(ctx context.Context) ([]VCL, error) {
	var list []VCL
	return list, c.doJSON(ctx, func(item json.RawMessage) error {
		var vcl VCL
		err := json.Unmarshal(item, &vcl)
		list = append(list, vcl)
		return err
	}, "vcl.list", "-j")
}

// Start starts the child. It is an error if it runs already.
func (c *Client) Start(ctx context.Context) error {
	_, err := c.doWithin(ctx, compileWithin, "start")
	return err
}

// Stop stops the child.
func (c *Client) Stop(ctx context.Context) error {
	_, err := c.Do(ctx, "stop")
	return err
}

// Running says whether the child runs.
func (c *Client) Running(ctx context.Context) (bool, error) {
	var state string
	err := c.doJSON(ctx, func(item json.RawMessage) error { return json.Unmarshal(item, &state) }, "status", "-j")
	return state == "running", err
}

// Pids gives the processes of varnishd.
func (c *Client) Pids(ctx context.Context) (Pids, error) {
	var pids Pids
	err := c.doJSON(ctx, func(item json.RawMessage) error { return json.Unmarshal(item, &pids) }, "pid", "-j")
	return pids, err
}

// ShowParam gives the value of a parameter, without its unit where that is a word of its own.
func (c *Client) ShowParam(ctx context.Context, name string) (string, error) {
	var param struct {
		Value json.RawMessage `json:"value"`
	}
	err := c.doJSON(ctx, func(item json.RawMessage) error { return json.Unmarshal(item, &param) }, "param.show", "-j", name)
	return strings.Trim(string(param.Value), `"`), err
}

// SetParam changes a parameter.
func (c *Client) SetParam(ctx context.Context, name, value string) error {
	_, err := c.Do(ctx, "param.set", name, value)
	return err
}

// Backends gives the table of backends that match a pattern, in varnishd's own words.
func (c *Client) Backends(ctx context.Context, pattern string) (string, error) {
	return c.Do(ctx, "backend.list", "-p", pattern)
}

// Panic gives the child's last panic, or "" where there was none.
func (c *Client) Panic(ctx context.Context) (string, error) {
	text, err := c.Do(ctx, "panic.show")
	var refusal *CommandError
	if errors.As(err, &refusal) && refusal.Status == StatusCant {
		return "", nil
	}
	return text, err
}

// ClearPanic forgets the child's last panic.
func (c *Client) ClearPanic(ctx context.Context) error {
	_, err := c.Do(ctx, "panic.clear")
	return err
}

// doJSON runs a command whose answer is a JSON list: a version, the command, the time, and items.
func (c *Client) doJSON(ctx context.Context, each func(json.RawMessage) error, words ...string) error {
	body, err := c.Do(ctx, words...)
	if err != nil {
		return err
	}
	items, err := jsonItems(body)
	if err != nil {
		return fmt.Errorf("reading the answer to %s: %w", words[0], err)
	}
	for _, item := range items {
		if err := each(item); err != nil {
			return fmt.Errorf("reading the answer to %s: %w", words[0], err)
		}
	}
	return nil
}

// jsonPreamble is the number of elements that come before the items.
const jsonPreamble = 3

func jsonItems(body string) ([]json.RawMessage, error) {
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		return nil, err
	}
	if len(list) < jsonPreamble {
		return nil, fmt.Errorf("list of %d elements is too short", len(list))
	}
	return list[jsonPreamble:], nil
}
