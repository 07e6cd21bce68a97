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

// Client is one authenticated connection. It is safe for concurrent use; commands run one by one.
type Client struct {
	// Banner is what varnishd said after authentication: platform and version.
	Banner string

	mu     sync.Mutex
	conn   net.Conn
	reader *bufio.Reader
	broken error
}

// NewClient authenticates on a connection that varnishd made (-M). It owns conn, and closes it on error.
func NewClient(ctx context.Context, conn net.Conn, secret []byte) (*Client, error) {
	c := &Client{conn: conn, reader: bufio.NewReader(conn)}
	if err := c.authenticate(ctx, secret); err != nil {
		conn.Close()
		return nil, fmt.Errorf("authenticating with varnishd: %w", err)
	}
	return c, nil
}

func (c *Client) authenticate(ctx context.Context, secret []byte) error {
	response, err := c.exchange(ctx, nil)
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
	if response, err = c.exchange(ctx, AppendCommand(nil, "auth", answer)); err != nil {
		return err
	}
	if response.Status != StatusOK {
		return &CommandError{Command: "auth", Response: response}
	}
	c.Banner = response.Body
	return nil
}

// Do runs one command and returns the body of its answer, or a *CommandError. Any other error, and the
// end of ctx, break the connection: later commands fail at once.
func (c *Client) Do(ctx context.Context, words ...string) (string, error) {
	response, err := c.exchange(ctx, AppendCommand(nil, words...))
	if err != nil {
		return "", fmt.Errorf("running %s: %w", words[0], err)
	}
	if response.Status != StatusOK {
		return "", &CommandError{Command: words[0], Response: response}
	}
	return response.Body, nil
}

// exchange writes a command, if there is one, and reads one answer.
func (c *Client) exchange(ctx context.Context, command []byte) (Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return Response{}, c.broken
	}
	if err := ctx.Err(); err != nil {
		return Response{}, err
	}
	// An answer that comes after its reader has gone would be taken for the next one's, hence the close.
	c.conn.SetDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Unix(1, 0)) })
	response, err := c.roundTrip(command)
	stop()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		c.broken = fmt.Errorf("connection to varnishd is broken: %w", err)
		c.conn.Close()
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
func (c *Client) Broken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken != nil
}

// Close ends the connection.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken == nil {
		c.broken = errors.New("connection to varnishd was closed")
		return c.conn.Close()
	}
	return nil
}
