package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/varnish-gateway/gateway/test/await"
	"github.com/varnish-gateway/gateway/test/process"
)

// peer is a proxy that can be measured.
type peer struct {
	name string
	// start runs it. It does not wait until the peer serves.
	start func(ctx context.Context, tools Tools, s site) (server, error)
}

// server is a peer that runs.
type server interface {
	// roots are the processes that, with all below them, are the peer.
	roots() ([]int, error)
	// reload replaces the routes by those of other hosts. It does not wait until they are in use.
	reload(hosts []string) error
	// stop ends all of its processes.
	stop() error
	// done is closed if it ends before that.
	done() <-chan struct{}
}

// programServer is a server that is one program, with its children.
type programServer struct {
	child *process.Child
	log   *os.File
	// renew is reload's part.
	renew func(hosts []string) error
}

// stopPatience is how long a peer may take to stop.
const stopPatience = 20 * time.Second

// startProgram runs a program in the site's directory, and writes what it says into a file there.
func startProgram(s site, program string, args ...string) (*programServer, error) {
	log, err := os.Create(filepath.Join(s.Directory, filepath.Base(program)+".log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Directory, log, log
	child, err := process.StartChild(cmd)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return &programServer{child: child, log: log, renew: func([]string) error { return errors.ErrUnsupported }}, nil
}

func (p *programServer) roots() ([]int, error)       { return []int{p.child.Pid()}, nil }
func (p *programServer) reload(hosts []string) error { return p.renew(hosts) }
func (p *programServer) done() <-chan struct{}       { return p.child.Done() }

func (p *programServer) stop() error {
	below, err := process.Descendants(p.child.Pid())
	err = errors.Join(err, p.child.End(syscall.SIGTERM, stopPatience))
	for _, pid := range below {
		if process.Alive(pid) {
			err = errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	return errors.Join(err, p.log.Close())
}

// instance is a running peer that serves a site.
type instance struct {
	server
	site site
}

// startPatience is how long a peer may take until it serves: ten thousand routes are translated,
// and VCL is compiled.
const startPatience = 2 * time.Minute

// startPause is the time between two looks at whether a peer has started.
const startPause = 10 * time.Millisecond

// await asks a host at this interval until it answers, with TLS where there is any.
func (i instance) await(ctx context.Context, host string, pause time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	urls := []string{"http://" + i.site.HTTP.String() + "/"}
	if i.site.TLS {
		urls = append(urls, "https://"+i.site.HTTPS.String()+"/")
	}
	for _, url := range urls {
		if err := await.Every(ctx, pause, host+" at "+url, func() error {
			select {
			case <-i.done():
				cancel()
				return errors.New("the peer has ended")
			default:
			}
			return get(ctx, url, host)
		}); err != nil {
			return err
		}
	}
	return nil
}

// get asks on a connection of its own, and fails unless the answer has status 200.
func get(ctx context.Context, url, host string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Host, request.Close = host, true
	response, err := oneShot.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

// treeOf sums something up over all roots of a server.
func treeOf[T any](s server, look func(pid int) (T, error), add func(T)) error {
	roots, err := s.roots()
	if err != nil {
		return err
	}
	for _, root := range roots {
		value, err := look(root)
		if err != nil {
			return err
		}
		add(value)
	}
	return nil
}

func memoryOf(s server) (int64, error) {
	var all int64
	err := treeOf(s, process.TreeMemory, func(one int64) { all += one })
	return all, err
}

func consumptionOf(s server) (process.Consumption, error) {
	var all process.Consumption
	err := treeOf(s, process.TreeConsumption, func(one process.Consumption) {
		all.CPU += one.CPU
		all.Switches += one.Switches
	})
	return all, err
}
