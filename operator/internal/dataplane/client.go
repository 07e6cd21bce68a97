package dataplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

const (
	// statusWait is how long one question for a change stays open.
	statusWait = 30 * time.Second
	// answerWithin is how long a pod may take beyond that.
	answerWithin = 10 * time.Second
	// checkWithin is how long a pod may take to check VCL: as long as it gives its compiler, and some time in which it
	// waits for its turn.
	checkWithin = adminapi.CompileWithin + 30*time.Second
	// invalidateWithin is how long a pod may take to invalidate objects, which takes it a moment.
	invalidateWithin = 5 * time.Second
	// maxConnections to one pod: one on which it is followed, and some for what else it is asked.
	maxConnections = 16
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 8 << 20
)

// Client asks the pods of one Gateway, by the admin API of docs/reference/admin-api.md.
type Client struct {
	client *http.Client
	token  string
}

// NewClient trusts the one certificate of the credential, whatever it says of names and times.
func NewClient(credential workload.Credential) (*Client, error) {
	block, _ := pem.Decode(credential.Certificate)
	if block == nil {
		return nil, errors.New("the certificate of the admin API is no PEM")
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS13,
			ServerName: gatewaypod.AdminServerName,
			// The chain says nothing here: VerifyConnection compares the certificate itself.
			InsecureSkipVerify: true,
			VerifyConnection: func(state tls.ConnectionState) error {
				if len(state.PeerCertificates) == 0 || !bytes.Equal(state.PeerCertificates[0].Raw, block.Bytes) {
					return errors.New("the pod presents another certificate than the Gateway's")
				}
				return nil
			},
		},
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConnsPerHost: 2,
		MaxConnsPerHost:     maxConnections,
	}
	return &Client{client: &http.Client{Transport: transport}, token: credential.Token}, nil
}

// Close ends connections that nobody uses.
func (c *Client) Close() { c.client.CloseIdleConnections() }

// Status asks the pod at an address for a status whose revision is greater than after; 0 asks for whatever it is now. It waits
// for some time where there is no such status yet, and gives the one that there is then.
func (c *Client) Status(ctx context.Context, ip string, after int64) (*adminapi.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusWait+answerWithin)
	defer cancel()
	query := url.Values{}
	if after > 0 {
		query = url.Values{adminapi.WaitParameter: {statusWait.String()}, adminapi.AfterParameter: {strconv.FormatInt(after, 10)}}
	}
	response, err := c.do(ctx, http.MethodGet, ip, adminapi.StatusPath, query, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("chaperone answers %s", response.Status)
	}
	status := &adminapi.Status{}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(status); err != nil {
		return nil, fmt.Errorf("read chaperone's status: %w", err)
	}
	return status, nil
}

// Check has the pod at an address compile VCL. An error means that it was not checked, and says nothing about it. A pod of an image that does not
// know the call takes any VCL.
func (c *Client) Check(ctx context.Context, ip string, vcl []byte) (Check, error) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	response, err := c.do(ctx, http.MethodPost, ip, adminapi.CheckPath, nil, bytes.NewReader(vcl))
	if err != nil {
		return Check{}, err
	}
	defer response.Body.Close()
	var answer struct {
		adminapi.Checked
		adminapi.Refusal
	}
	err = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer)
	switch {
	case response.StatusCode == http.StatusNotFound:
		return Check{State: Compiles}, nil
	case err != nil:
		return Check{}, fmt.Errorf("read chaperone's answer (%s): %w", response.Status, err)
	case response.StatusCode == http.StatusRequestEntityTooLarge:
		return Check{State: Refused, Message: answer.Error}, nil
	case response.StatusCode != http.StatusOK:
		return Check{}, fmt.Errorf("chaperone answers %s: %s", response.Status, answer.Error)
	case answer.TimedOut:
		return Check{State: TimedOut, Message: answer.Message}, nil
	case !answer.OK:
		return Check{State: Refused, Message: answer.Message}, nil
	}
	return Check{State: Compiles}, nil
}

// RefusedError says that a pod will not carry out an order, however often it is asked.
type RefusedError struct{ Message string }

// Error implements error.
func (e *RefusedError) Error() string { return "chaperone refuses the order: " + e.Message }

// Invalidate has the pod at an address carry out an order to invalidate objects, which is ghostconf.Invalidations. An error
// means that nobody knows whether it did; one that is a *RefusedError, that it did not. A pod of an image that does not know
// the call has no cache that policies fill, and nothing to invalidate.
func (c *Client) Invalidate(ctx context.Context, ip string, order []byte) error {
	ctx, cancel := context.WithTimeout(ctx, invalidateWithin)
	defer cancel()
	response, err := c.do(ctx, http.MethodPost, ip, adminapi.InvalidatePath, nil, bytes.NewReader(order))
	var failed *url.Error
	if errors.As(err, &failed) {
		// Whoever reads it knows which pod was asked, but not its address.
		return failed.Err
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK || response.StatusCode == http.StatusNotFound {
		return nil
	}
	var refusal adminapi.Refusal
	// Whoever answers something else than chaperone does is told by the status alone.
	_ = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&refusal)
	switch response.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return &RefusedError{Message: refusal.Error}
	}
	return fmt.Errorf("chaperone answers %s: %s", response.Status, refusal.Error)
}

// do calls the admin API of a pod.
func (c *Client) do(ctx context.Context, method, ip, path string, query url.Values, body io.Reader) (*http.Response, error) {
	address := url.URL{
		Scheme: "https", Host: net.JoinHostPort(ip, strconv.Itoa(int(gatewaypod.AdminPort))), Path: path, RawQuery: query.Encode(),
	}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	return c.client.Do(request)
}
