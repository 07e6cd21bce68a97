// Package invalidationapi lets applications invalidate cached objects over HTTP. Its contract is
// docs/reference/invalidation-api.md.
package invalidationapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/invalidation"
)

const (
	// path of the one call.
	path = "/v1/namespaces/{namespace}/invalidations"
	// maxBody is the longest body, in bytes.
	maxBody = 512 << 10
	// defaultDeadline is how long pods that do not answer are asked again where the call does not
	// say so, and maxDeadline the longest that it may say.
	defaultDeadline = 10 * time.Second
	maxDeadline     = time.Minute
	// maxCalls is how many calls are carried out side by side, and maxCallsOfOne those of one
	// namespace.
	maxCalls      = 256
	maxCallsOfOne = 32
)

// Invalidator carries out an order of a namespace, and says what became of it at each Gateway.
type Invalidator interface {
	Invalidate(ctx context.Context, namespace string, order []byte) ([]v1alpha1.InvalidatedGateway, error)
}

// Result is what a call is answered that was carried out, on all pods or on some.
type Result struct {
	// Complete says that no request gets the objects any more.
	Complete bool `json:"complete"`
	// Pods of all Gateways, by number.
	Pods v1alpha1.InvalidatedPods `json:"pods"`
	// Gateways whose pods were asked.
	Gateways []Gateway `json:"gateways"`
}

// Gateway is what became of a call at the pods of one Gateway.
type Gateway struct {
	Namespace string                         `json:"namespace"`
	Name      string                         `json:"name"`
	Pods      v1alpha1.InvalidatedPods       `json:"pods"`
	Failures  []v1alpha1.InvalidationFailure `json:"failures,omitempty"`
}

// Refusal is what a call is answered that was not carried out.
type Refusal struct {
	// Error says why, in a sentence.
	Error string `json:"error"`
}

// handler answers calls.
type handler struct {
	tokens      tokens
	invalidator Invalidator
	places      *places
	log         *zap.Logger
}

// Handler answers calls of applications that show a token of their namespace.
func Handler(secrets Secrets, invalidator Invalidator, log *zap.Logger) http.Handler {
	h := &handler{tokens: tokens{secrets}, invalidator: invalidator, places: newPlaces(maxCalls, maxCallsOfOne), log: log}
	mux := http.NewServeMux()
	mux.HandleFunc(path, h.invalidate)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fmt.Errorf("there is no %s", r.URL.Path))
	})
	return counted(mux)
}

func (h *handler) invalidate(w http.ResponseWriter, r *http.Request) {
	namespace := r.PathValue("namespace")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, errors.New("the call takes POST alone"))
		return
	}
	switch permitted, err := h.tokens.permit(r, namespace); {
	case err != nil:
		h.log.Warn("a token cannot be compared", zap.String("namespace", namespace), zap.Error(err))
		refuse(w, http.StatusServiceUnavailable, errors.New("the token cannot be compared now"))
		return
	case !permitted:
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, errors.New("a bearer token of the namespace is required"))
		return
	}
	leave, ok := h.places.enter(namespace)
	if !ok {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, errors.New("too many calls are being carried out"))
		return
	}
	defer leave()
	order, deadline, status, err := read(w, r, namespace)
	if err != nil {
		refuse(w, status, err)
		return
	}
	// One who goes away before the answer has given the order all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), deadline)
	defer cancel()
	gateways, err := h.invalidator.Invalidate(ctx, namespace, order)
	if err != nil {
		h.log.Warn("an invalidation cannot be carried out", zap.String("namespace", namespace), zap.Error(err))
		refuse(w, http.StatusServiceUnavailable, errors.New("it is not known now which pods are to be asked"))
		return
	}
	h.answer(ctx, w, namespace, gateways)
}

// read reads the order of a call, and how long it may take. The status is that of a refusal.
func read(w http.ResponseWriter, r *http.Request, namespace string) (order []byte, deadline time.Duration, status int, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, 0, http.StatusRequestEntityTooLarge, fmt.Errorf("the body is longer than %d bytes", maxBody)
	case err != nil:
		return nil, 0, http.StatusBadRequest, fmt.Errorf("read the body: %w", err)
	}
	if deadline, err = deadlineOf(r); err != nil {
		return nil, 0, http.StatusBadRequest, err
	}
	what, err := invalidation.ReadSubjects(body)
	if err != nil {
		return nil, 0, http.StatusBadRequest, err
	}
	if order, err = invalidation.Orders(namespace, what); err != nil {
		return nil, 0, http.StatusBadRequest, err
	}
	return order, deadline, 0, nil
}

// deadlineOf reads the parameter timeoutSeconds.
func deadlineOf(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("timeoutSeconds")
	if text == "" {
		return defaultDeadline, nil
	}
	seconds, err := strconv.Atoi(text)
	if longest := int(maxDeadline / time.Second); err != nil || seconds < 1 || seconds > longest {
		return 0, fmt.Errorf("timeoutSeconds=%q is no number from 1 to %d", text, longest)
	}
	return time.Duration(seconds) * time.Second, nil
}

// answer says what became of a call: 200 where all pods have carried it out, 504 where some did not
// answer in time, 502 where all answered, and some refused.
func (h *handler) answer(ctx context.Context, w http.ResponseWriter, namespace string, gateways []v1alpha1.InvalidatedGateway) {
	result := Result{Pods: invalidation.Total(gateways), Gateways: []Gateway{}}
	for _, g := range gateways {
		result.Gateways = append(result.Gateways, Gateway{Namespace: g.Namespace, Name: g.Name, Pods: g.Pods, Failures: g.Failures})
	}
	result.Complete = result.Pods.Failed == 0
	status := http.StatusOK
	switch {
	case result.Complete:
	case ctx.Err() != nil:
		status = http.StatusGatewayTimeout
	default:
		status = http.StatusBadGateway
	}
	if !result.Complete {
		h.log.Warn("pods may still have what was invalidated", zap.String("namespace", namespace), zap.Any("result", result))
	}
	write(w, status, result)
}

func refuse(w http.ResponseWriter, status int, err error) {
	write(w, status, Refusal{Error: err.Error()})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
