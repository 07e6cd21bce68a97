package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Usage is what a process holds.
type Usage struct {
	// Memory that is resident, in bytes, without pages that are mapped from files.
	Memory int64
	// Descriptors that are open, and Threads.
	Descriptors, Threads int64
}

// Use looks at a process.
func Use(pid int) (Usage, error) {
	var u Usage
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	if u.Memory, err = statusNumber(string(status), "RssAnon"); err != nil {
		return u, fmt.Errorf("process %d: %w", pid, err)
	}
	u.Memory *= 1024
	if u.Threads, err = statusNumber(string(status), "Threads"); err != nil {
		return u, fmt.Errorf("process %d: %w", pid, err)
	}
	descriptors, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	u.Descriptors = int64(len(descriptors))
	return u, err
}

// statusNumber reads a line of /proc/PID/status, such as "Threads:	7" or "RssAnon:	  10 kB".
func statusNumber(status, name string) (int64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}
