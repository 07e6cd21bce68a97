// Package admin answers the operator's questions about this pod. Its contract is
// docs/reference/admin-api.md.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"github.com/varnish-gateway/gateway/chaperone/internal/vcl"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"io"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"
)

// Board is what the handler reads the status from.
type Board interface {
	Get() adminapi.Status
	// Wait returns the status as soon as its revision is greater than after, or when ctx ends.
	Wait(ctx context.Context, after int64) adminapi.Status
}

// CheckVCL compiles VCL without effect. An empty message means that it compiles; an error means that it
// could not be checked, vcl.ErrTooLong that the compiler was not done in time.
type CheckVCL func(ctx context.Context, source []byte) (message string, err error)

// Invalidate carries out an order to invalidate objects of the cache. The result says why it was not; an error means that
// nobody knows.
type Invalidate func(ctx context.Context, order []byte) (ghostconf.InvalidationResult, error)

// CacheStatistics tells what the cache has done.
type CacheStatistics func(ctx context.Context) (ghostconf.CacheStatistics, error)

// Calls are what the handler does for its callers.
type Calls struct {
	Check           CheckVCL
	Invalidate      Invalidate
	CacheStatistics CacheStatistics
}

// Handler answers the calls of the admin API to those who show the token.
func Handler(board Board, calls Calls, token Token, log *zap.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(adminapi.StatusPath, only(http.MethodGet, statusCall(board)))
	mux.Handle(adminapi.CheckPath, only(http.MethodPost, checkCall(calls.Check)))
	mux.Handle(adminapi.InvalidatePath, only(http.MethodPost, invalidateCall(calls.Invalidate)))
	mux.Handle(adminapi.CacheStatisticsPath, only(http.MethodGet, cacheStatisticsCall(calls.CacheStatistics)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fmt.Errorf("there is no %s", r.URL.Path))
	})
	return authenticated(token, log, mux)
}

func statusCall(board Board) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		wait, after, err := waiting(r)
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		if wait == 0 {
			answer(w, http.StatusOK, board.Get())
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), wait)
		defer cancel()
		answer(w, http.StatusOK, board.Wait(ctx, after))
	}
}

// waiting reads how long to wait for which revision.
func waiting(r *http.Request) (wait time.Duration, after int64, err error) {
	query := r.URL.Query()
	if text := query.Get(adminapi.WaitParameter); text != "" {
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 {
			return 0, 0, fmt.Errorf("wait=%q is no duration, such as 30s", text)
		}
	}
	if text := query.Get(adminapi.AfterParameter); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("after=%q is no revision", text)
		}
	}
	return min(wait, adminapi.MaxWait), after, nil
}

func checkCall(check CheckVCL) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		source, ok := body(w, r, "VCL", adminapi.MaxVCL)
		if !ok {
			return
		}
		message, err := check(r.Context(), source)
		switch {
		case errors.Is(err, vcl.ErrTooLong):
			answer(w, http.StatusOK, adminapi.Checked{TimedOut: true, Message: err.Error()})
			return
		case err != nil:
			refuse(w, http.StatusServiceUnavailable, fmt.Errorf("check VCL: %w", err))
			return
		}
		answer(w, http.StatusOK, adminapi.Checked{OK: message == "", Message: message})
	}
}

func invalidateCall(invalidate Invalidate) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		order, ok := body(w, r, "the order", adminapi.MaxInvalidations)
		if !ok {
			return
		}
		result, err := invalidate(r.Context(), order)
		switch {
		case err != nil:
			refuse(w, http.StatusServiceUnavailable, err)
		case result.Error != "":
			refuse(w, http.StatusBadRequest, errors.New(result.Error))
		default:
			answer(w, http.StatusOK, result)
		}
	}
}

func cacheStatisticsCall(statistics CacheStatistics) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		read, err := statistics(r.Context())
		if err != nil {
			refuse(w, http.StatusServiceUnavailable, err)
			return
		}
		answer(w, http.StatusOK, read)
	}
}

// body reads the body of a call. It is false where the caller has got a refusal.
func body(w http.ResponseWriter, r *http.Request, what string, limit int64) ([]byte, bool) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Errorf("%s is longer than %d bytes", what, limit))
		return nil, false
	case err != nil:
		refuse(w, http.StatusBadRequest, fmt.Errorf("read %s: %w", what, err))
		return nil, false
	}
	return data, true
}

// only answers other methods with 405.
func only(method string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			refuse(w, http.StatusMethodNotAllowed, fmt.Errorf("%s takes %s alone", r.URL.Path, method))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func refuse(w http.ResponseWriter, status int, err error) {
	answer(w, status, adminapi.Refusal{Error: err.Error()})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
