package vcl

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endAgain is how soon compilers are ended once more: varnishd runs its VCL compiler first, and then
// that of C.
const endAgain = time.Second

// endCompilers ends the compilers of a varnishd where these are not done in time. varnishd answers the
// command then that waits for them, and serves on. Without this, varnishd's manager would do nothing
// else as long as they run.
//
// The manager runs nothing but compilers while it loads VCL: what is below it now, such as the child
// that serves, is left alone. The function that it returns ends the watch, and says whether the time
// was over.
func endCompilers(manager int, within time.Duration) (stop func() (late bool), err error) {
	spared, err := descendants(manager)
	if err != nil {
		return nil, fmt.Errorf("looking at varnishd's processes: %w", err)
	}
	done, late := make(chan struct{}), make(chan bool, 1)
	go func() {
		for timer, over := time.NewTimer(within), false; ; over = true {
			select {
			case <-done:
				timer.Stop()
				late <- over
				return
			case <-timer.C:
				endOthers(manager, spared)
				timer.Reset(endAgain)
			}
		}
	}()
	return func() bool {
		close(done)
		return <-late
	}, nil
}

// endOthers kills what is below a process and is not spared. What cannot be killed has ended by itself.
func endOthers(manager int, spared map[int]bool) {
	now, err := descendants(manager)
	if err != nil {
		return
	}
	for pid := range now {
		if !spared[pid] {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// descendants are the processes below another one: its children, their children, and so on (proc(5)).
func descendants(pid int) (map[int]bool, error) {
	found := map[int]bool{}
	for left := []int{pid}; len(left) > 0; left = left[1:] {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", left[0]))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // the thread has ended
			}
			for field := range strings.FieldsSeq(string(text)) {
				child, err := strconv.Atoi(field)
				if err != nil {
					return nil, fmt.Errorf("reading %s: %w", file, err)
				}
				if !found[child] {
					found[child] = true
					left = append(left, child)
				}
			}
		}
	}
	return found, nil
}
