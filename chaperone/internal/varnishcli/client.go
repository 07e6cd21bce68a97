package varnishcli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// CommandError is varnishd's refusal of a command.
type CommandError struct {
	// Command is the first word of what was sent.
	Command string
	Response
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("varnishd refused %s (%d): %s", e.Command, e.Status, strings.TrimSpace(e.Body))
}

// ErrBusy says that a command did not get its turn in time, since another one was still running. The connection is as good as before.
var ErrBusy = errors.New("varnishd is still busy with another command")

// How long commands may take that have no other bound. varnishd does nothing else meanwhile, so one that takes longer makes for a
// broken connection.
const (
	commandWithin = time.Minute
	// compileWithin is for those that compile or load VCL. varnishd serves meanwhile, so that they may take longer than
	// a check, which has found that the compiler ends.
	compileWithin = 2 * adminapi.CompileWithin
)

// Client is one authenticated connection. It is safe for concurrent use; commands run one by one.
type Client struct {
	// Banner is what varnishd said after authentication: platform and version.
	Banner string

	// turn is taken by the command that runs: it holds conn and reader.
	turn   chan struct{}
	conn   net.Conn
	reader *bufio.Reader

	mu     sync.Mutex
	broken error
}

// NewClient authenticates on a connection that varnishd made (-M). It owns conn, and closes it on error.
func NewClient(ctx context.Context, conn net.Conn, secret []byte) (*Client, error) {
	c := &Client{conn: conn, reader: bufio.NewReader(conn), turn: make(chan struct{}, 1)}
	if err := c.authenticate(ctx, secret); err != nil {
		conn.Close()
		return nil, fmt.Errorf("authenticating with varnishd: %w", err)
	}
	return c, nil
}

func (c *Client) authenticate(ctx context.Context, secret []byte) error {
	response, err := c.exchange(ctx, commandWithin, nil)
	if err != nil {
		return err
	}
	// A varnishd that was started with a secret asks for it.
	if response.Status != StatusAuth {
		return fmt.Errorf("status %d came instead of a challenge", response.Status)
	}
	answer, err := Authenticate(response.Body, secret)
	if err != nil {
		return err
	}
	if response, err = c.exchange(ctx, commandWithin, AppendCommand(nil, "auth", answer)); err != nil {
		return err
	}
	if response.Status != StatusOK {
		return &CommandError{Command: "auth", Response: response}
	}
	c.Banner = response.Body
	return nil
}

// Do runs one command and returns the body of its answer, or a *CommandError. ErrBusy says that ctx ended before its turn came. Any
// other error, and the end of ctx while it runs, break the connection: later commands fail at once.
func (c *Client) Do(ctx context.Context, words ...string) (string, error) {
	return c.doWithin(ctx, commandWithin, words...)
}

// doWithin is Do for a command that may take so long once its turn has come.
func (c *Client) doWithin(ctx context.Context, within time.Duration, words ...string) (string, error) {
	response, err := c.exchange(ctx, within, AppendCommand(nil, words...))
	if err != nil {
		return "", fmt.Errorf("running %s: %w", words[0], err)
	}
	if response.Status != StatusOK {
		return "", &CommandError{Command: words[0], Response: response}
	}
	return response.Body, nil
}

// exchange waits for its turn, writes a command, if there is one, and reads one answer.
func (c *Client) exchange(ctx context.Context, within time.Duration, command []byte) (Response, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return Response{}, fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
	if err := c.whyBroken(); err != nil {
		return Response{}, err
	}
	if err := ctx.Err(); err != nil {
		return Response{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	// An answer that comes after its reader has gone would be taken for the next one's, hence the close.
	c.conn.SetDeadline(time.Time{})
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		c.conn.SetDeadline(time.Unix(1, 0))
	})
	response, err := c.roundTrip(command)
	if !stop() {
		// Later it would end the next command.
		<-ended
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		c.end(fmt.Errorf("connection to varnishd is broken: %w", err))
		return Response{}, err
	}
	return response, nil
}

func (c *Client) roundTrip(command []byte) (Response, error) {
	if _, err := c.conn.Write(command); err != nil {
		return Response{}, err
	}
	return ReadResponse(c.reader)
}

// Broken says whether the connection can no longer be used.
func (c *Client) Broken() bool { return c.whyBroken() != nil }

func (c *Client) whyBroken() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// Close ends the connection, and with it a command that runs.
func (c *Client) Close() error { return c.end(errors.New("connection to varnishd was closed")) }

// end closes the connection, once; later commands fail for the reason that is given.
func (c *Client) end(reason error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return nil
	}
	c.broken = reason
	return c.conn.Close()
}
