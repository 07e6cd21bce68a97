package local

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

// maxStatePath is the longest path of a state directory, in bytes: the sockets below it must keep within the
// 107 bytes that a unix socket's path may have.
const maxStatePath = 60

// StateDir is where everything lies that runs. Only one process at a time may use it.
type StateDir struct {
	path      string
	lock      *os.File
	temporary bool
}

// OpenStateDir takes the directory path, or makes a temporary one where path is empty.
func OpenStateDir(path string) (*StateDir, error) {
	if path == "" {
		return openTemporary()
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := checkLength(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return lockDir(path)
}

func openTemporary() (*StateDir, error) {
	path, err := os.MkdirTemp("", "gatewayctl-")
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	err = checkLength(path)
	var s *StateDir
	if err == nil {
		s, err = lockDir(path)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	s.temporary = true
	return s, nil
}

func checkLength(path string) error {
	if len(path) > maxStatePath {
		return fmt.Errorf("state directory %s: the path has %d bytes; sockets below it allow %d (choose another with --state-dir)", path, len(path), maxStatePath)
	}
	return nil
}

func lockDir(path string) (*StateDir, error) {
	lock, err := lockFile(filepath.Join(path, "lock"))
	if err != nil {
		return nil, fmt.Errorf("state directory %s: %w", path, err)
	}
	return &StateDir{path: path, lock: lock}, nil
}

func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("in use by another process")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Path of the directory.
func (s *StateDir) Path() string { return s.path }

// Close gives the directory up, and removes it if it was a temporary one.
func (s *StateDir) Close() error {
	err := s.lock.Close()
	if s.temporary {
		err = errors.Join(err, os.RemoveAll(s.path))
	}
	return err
}

// endpointsDir is shared by all Gateways.
func (s *StateDir) endpointsDir() string { return filepath.Join(s.path, "endpoints") }

// gatewayName is what directories of Gateways are called.
var gatewayName = regexp.MustCompile(`^[0-9a-f]{8}$`)

// forget removes the directories of all Gateways but those that are given: private keys and tokens are in them.
func (s *StateDir) forget(but map[Key]bool) error {
	keep := map[string]bool{}
	for key := range but {
		keep[s.gatewayDir(key)] = true
	}
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	var failed []error
	for _, entry := range entries {
		if path := filepath.Join(s.path, entry.Name()); entry.IsDir() && gatewayName.MatchString(entry.Name()) && !keep[path] {
			failed = append(failed, os.RemoveAll(path))
		}
	}
	return errors.Join(failed...)
}

// gatewayDir is the directory of one Gateway; its name is short whatever the Gateway's is.
func (s *StateDir) gatewayDir(key Key) string {
	digest := sha256.Sum256([]byte(key.String()))
	return filepath.Join(s.path, hex.EncodeToString(digest[:4]))
}
