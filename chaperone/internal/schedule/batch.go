// Package schedule says how the kernel gives processors to this process and to those that it starts.
package schedule

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Batch makes every thread of this process, and of those that it starts from then on, one of SCHED_BATCH (sched(7)): a
// thread that wakes does not take the processor of one that runs, but waits for its turn.
//
// varnishd serves each connection by a thread, and each request wakes it twice. By default the thread that woke it, such
// as the one that serves the next connection, is suspended each time; docs/benchmarks.md has what that costs.
func Batch() error {
	for changed := true; changed; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("list the threads: %w", err)
		}
		changed = false
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				return fmt.Errorf("list the threads: %w", err)
			}
			// One that was started meanwhile, by one that was not asked yet, is found the next time.
			set, err := batch(id)
			if err != nil {
				return err
			}
			changed = changed || set
		}
	}
	return nil
}

// batch says whether it had to set anything.
func batch(thread int) (set bool, err error) {
	attributes, err := unix.SchedGetAttr(thread, 0)
	if err == nil && attributes.Policy == unix.SCHED_NORMAL {
		attributes.Policy = unix.SCHED_BATCH
		set = true
		err = unix.SchedSetAttr(thread, attributes, 0)
	}
	if err == unix.ESRCH {
		// It has ended.
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("schedule a thread as SCHED_BATCH: %w", err)
	}
	return set, nil
}
