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
)

const (
	// statusWait is how long one question for a change stays open.
	statusWait = 30 * time.Second
	// answerWithin is how long a pod may take beyond that.
	answerWithin = 10 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 8 << 20
)

// asker asks the pods of one Gateway.
type asker struct {
	client *http.Client
	token  string
}

// newAsker trusts the one certificate of the credential, whatever it says of names and times.
func newAsker(credential workload.Credential) (*asker, error) {
	block, _ := pem.Decode(credential.Certificate)
	if block == nil {
		return nil, errors.New("the certificate of the admin API is no PEM")
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS13,
			ServerName: workload.AdminName,
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
		MaxIdleConnsPerHost: 1,
	}
	return &asker{client: &http.Client{Transport: transport}, token: credential.Token}, nil
}

func (a *asker) close() { a.client.CloseIdleConnections() }

// status asks for a status whose revision is greater than after; 0 asks for whatever it is now.
func (a *asker) status(ctx context.Context, ip string, after int64) (*Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusWait+answerWithin)
	defer cancel()
	question := url.URL{
		Scheme: "https", Host: net.JoinHostPort(ip, strconv.Itoa(int(workload.AdminPort))), Path: "/v1/status",
	}
	if after > 0 {
		question.RawQuery = url.Values{"wait": {statusWait.String()}, "after": {strconv.FormatInt(after, 10)}}.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, question.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("chaperone answers %s", response.Status)
	}
	status := &Status{}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(status); err != nil {
		return nil, fmt.Errorf("read chaperone's status: %w", err)
	}
	return status, nil
}
