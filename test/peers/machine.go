package peers

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/varnish-gateway/gateway/test/peers/report"
	"github.com/varnish-gateway/gateway/test/process"
)

// ThisMachine says where it is measured.
func ThisMachine() report.Machine {
	m := report.Machine{CPU: "unknown CPU", Cores: runtime.NumCPU(), System: "unknown system"}
	m.CPU = fieldOf("/proc/cpuinfo", "model name", ":", m.CPU)
	m.System = strings.Trim(fieldOf("/etc/os-release", "PRETTY_NAME", "=", m.System), `"`)
	if kilobytes, err := strconv.ParseInt(strings.TrimSuffix(fieldOf("/proc/meminfo", "MemTotal", ":", "0 kB"), " kB"), 10, 64); err == nil {
		m.Memory = kilobytes * 1024
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return m
}

// fieldOf is what stands behind the first occurrence of a name at the beginning of a line.
func fieldOf(path, name, separator, otherwise string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(line, separator)
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}

// coreTimes is how all cores have spent their time since the machine started, in ticks of
// /proc/stat.
type coreTimes struct {
	// programs is the time of processes, all the time of everything.
	programs, busy, all int64
}

func (t coreTimes) minus(earlier coreTimes) coreTimes {
	return coreTimes{t.programs - earlier.programs, t.busy - earlier.busy, t.all - earlier.all}
}

func readCoreTimes() (coreTimes, error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return coreTimes{}, err
	}
	return parseCoreTimes(string(data))
}

// parseCoreTimes reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq
// and steal (proc_stat(5)).
func parseCoreTimes(stat string) (coreTimes, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return coreTimes{}, fmt.Errorf("no times of all cores in %q", line)
	}
	var t coreTimes
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return coreTimes{}, fmt.Errorf("times of all cores: %w", err)
		}
		const idle, iowait = 3, 4
		t.all += ticks
		if i != idle && i != iowait {
			t.busy += ticks
		}
		if i < idle {
			t.programs += ticks
		}
	}
	return t, nil
}

// quietShare is the share of all cores that may be busy on a quiet machine.
const quietShare = 0.08

// quiet waits for a quiet machine, as long as there is patience left; in all that is bounded.
type quiet struct {
	patience time.Duration
}

// wait tells whether the machine is quiet.
func (q *quiet) wait(ctx context.Context) (bool, error) {
	const look = 250 * time.Millisecond
	for {
		before, err := readCoreTimes()
		if err != nil {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(look):
		}
		after, err := readCoreTimes()
		if err != nil {
			return false, err
		}
		spent := after.minus(before)
		if float64(spent.busy) <= quietShare*float64(spent.all) {
			return true, nil
		}
		if q.patience -= look; q.patience <= 0 {
			return false, nil
		}
	}
}

// ownTime is the time that this program, what it started and what has ended of that have used.
func ownTime() (time.Duration, error) {
	live, err := process.TreeConsumption(os.Getpid())
	if err != nil {
		return 0, err
	}
	var ended unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &ended); err != nil {
		return 0, err
	}
	return live.CPU + time.Duration(ended.Utime.Nano()+ended.Stime.Nano()), nil
}

// watch looks at what other programs do meanwhile.
type watch struct {
	cores coreTimes
	own   time.Duration
}

func startWatch() (watch, error) {
	cores, err := readCoreTimes()
	if err != nil {
		return watch{}, err
	}
	own, err := ownTime()
	return watch{cores, own}, err
}

// others is the share of all cores that programs beside the benchmark have used since.
func (w watch) others() (float64, error) {
	now, err := startWatch()
	if err != nil {
		return 0, err
	}
	spent := now.cores.minus(w.cores)
	if spent.all <= 0 {
		return 0, nil
	}
	const ticks = float64(time.Second / 100)
	share := (float64(spent.programs) - float64(now.own-w.own)/ticks) / float64(spent.all)
	return max(share, 0), nil
}
