package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Consumption is what processes have used up since they began.
type Consumption struct {
	CPU time.Duration
	// Switches of context, voluntary or not.
	Switches int64
}

// Minus is what was used up since an earlier look.
func (c Consumption) Minus(earlier Consumption) Consumption {
	return Consumption{c.CPU - earlier.CPU, c.Switches - earlier.Switches}
}

// Tree is a process and all of its descendants.
func Tree(pid int) ([]int, error) {
	below, err := Descendants(pid)
	return append([]int{pid}, below...), err
}

// TreeConsumption sums up a process and its descendants as they are now. Those that have ended do
// not count.
func TreeConsumption(pid int) (Consumption, error) {
	var all Consumption
	pids, err := Tree(pid)
	if err != nil {
		return all, err
	}
	for _, pid := range pids {
		one, err := consumption(pid)
		if gone(err) {
			continue
		}
		if err != nil {
			return all, err
		}
		all.CPU += one.CPU
		all.Switches += one.Switches
	}
	return all, nil
}

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every architecture that Go has
// (proc_pid_stat(5)).
const tick = time.Second / 100

func consumption(pid int) (Consumption, error) {
	var c Consumption
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return c, err
	}
	if c.CPU, err = cpuTime(string(stat)); err != nil {
		return c, fmt.Errorf("process %d: %w", pid, err)
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return c, err
	}
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if gone(err) {
			continue
		}
		if err != nil {
			return c, err
		}
		for _, name := range []string{"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"} {
			n, err := statusNumber(string(status), name)
			if err != nil {
				return c, fmt.Errorf("process %d: %w", pid, err)
			}
			c.Switches += n
		}
	}
	return c, nil
}

// cpuTime is user and system time, fields 14 and 15 of /proc/PID/stat; the second field may have
// spaces and parentheses.
func cpuTime(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("no times in %q", stat)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// TreeMemory is the memory of a process and its descendants in bytes, pages that several share
// counted once (Pss).
func TreeMemory(pid int) (int64, error) {
	pids, err := Tree(pid)
	if err != nil {
		return 0, err
	}
	var all int64
	for _, pid := range pids {
		rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if gone(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		kilobytes, err := statusNumber(string(rollup), "Pss")
		if err != nil {
			return 0, fmt.Errorf("process %d: %w", pid, err)
		}
		all += kilobytes * 1024
	}
	return all, nil
}

// gone tells that a process or thread ended before it could be looked at.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}
