package admin

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"go.uber.org/zap"
)

// Token gives the bearer token that callers must show.
type Token func() ([]byte, error)

// TokenFile reads the token from a file, at every call: so a token that is replaced there holds at once,
// and one that is taken away lets nobody in. Space around it does not count.
func TokenFile(path string) Token {
	return func() ([]byte, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the admin token: %w", err)
		}
		token := bytes.TrimSpace(data)
		if len(token) == 0 {
			return nil, fmt.Errorf("read the admin token: %s is empty", path)
		}
		return token, nil
	}
}

var errUnauthorized = errors.New("this call needs the bearer token")

// authenticated lets those in who show the token (RFC 6750, section 2.1).
func authenticated(token Token, log *zap.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want, err := token()
		if err != nil {
			log.Error("nobody can use the admin API", zap.Error(err))
		}
		if err != nil || !shows(r, want) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="varnish-gateway"`)
			refuse(w, http.StatusUnauthorized, errUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// shows compares in a time that tells neither the token nor its length.
func shows(r *http.Request, want []byte) bool {
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(strings.TrimSpace(shown))), sha256.Sum256(want)
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
