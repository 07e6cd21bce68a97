//go:build apiserver

package controller

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// invalidationCall asks the invalidation API of an operator, and returns the status and the answer.
func invalidationCall(t *testing.T, address, namespace, token, body string) (int, string) {
	t.Helper()
	url := "http://" + address + "/v1/namespaces/" + namespace + "/invalidations?timeoutSeconds=2"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer)
}

func TestApplicationsInvalidateOverHTTPAtEveryReplica(t *testing.T) {
	// Of two replicas one leads. Both serve the API.
	replicas := []string{freeAddress(t), freeAddress(t)}
	for _, address := range replicas {
		startOperator(t, "--leader-elect", "--namespace=default", "--lease=invalidation", "--invalidation-address="+address)
	}
	ns := servingGateway(t)
	pod := startKnownPod(t, ns)
	const token, second = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	for _, address := range replicas {
		eventually(t, "a call without a token to be refused", func() error {
			_, err := http.Post("http://"+address+"/v1/namespaces/"+ns+"/invalidations", "application/json", nil)
			return err
		})
		status, _ := invalidationCall(t, address, ns, token, `{"all": true}`)
		require.Equal(t, http.StatusUnauthorized, status, "there is no Secret yet")
	}
	apply(t, ns, `
apiVersion: v1
kind: Secret
metadata: {name: varnish-cache-invalidation}
stringData: {token: `+token+`}
`)
	for i, address := range replicas {
		eventually(t, "all pods to be asked by this replica", func() error {
			status, answer := invalidationCall(t, address, ns, token, `{"tags": ["a"], "mode": "Soft"}`)
			if status != http.StatusOK {
				return assert.AnError
			}
			var result struct {
				Complete bool             `json:"complete"`
				Pods     map[string]int32 `json:"pods"`
			}
			require.NoError(t, json.Unmarshal([]byte(answer), &result))
			assert.True(t, result.Complete)
			// The caches of the one that waits follow by themselves.
			if result.Pods["done"] != 2 {
				return assert.AnError
			}
			return nil
		})
		require.GreaterOrEqual(t, len(pod.invalidated()), i+1)
		assert.JSONEq(t, `{"invalidations":[{"namespace":"`+ns+`","soft":true,"tag":"a"}]}`, pod.invalidated()[len(pod.invalidated())-1])
		status, answer := invalidationCall(t, address, "default", token, `{"all": true}`)
		assert.Equal(t, http.StatusUnauthorized, status, "it is no token of that namespace: %s", answer)
		status, answer = invalidationCall(t, address, ns, token, `{"tags": ["a b"]}`)
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Contains(t, answer, "tags[0]: Invalid value")
	}

	// A token that is replaced holds no more.
	secret := get(t, &corev1.Secret{}, ns, "varnish-cache-invalidation")
	secret.Data["token"] = []byte(second)
	require.NoError(t, cluster.Update(t.Context(), secret))
	for _, address := range replicas {
		eventually(t, "the new token to hold", func() error {
			if status, _ := invalidationCall(t, address, ns, second, `{"tags": ["a"]}`); status != http.StatusOK {
				return assert.AnError
			}
			return nil
		})
		status, _ := invalidationCall(t, address, ns, token, `{"tags": ["a"]}`)
		assert.Equal(t, http.StatusUnauthorized, status)
	}

	pod.silence()
	for _, address := range replicas {
		status, answer := invalidationCall(t, address, ns, second, `{"all": true}`)
		assert.Equal(t, http.StatusGatewayTimeout, status)
		assert.Contains(t, answer, `"complete":false,"pods":{"asked":2,"done":1,"failed":1,"gone":0}`)
		assert.Contains(t, answer, `{"pod":"`+pod.name+`","message":"chaperone answers 503`)
	}
}
