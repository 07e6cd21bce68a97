package peers

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

func (b *bench) startOrigin(ctx context.Context, s scenario) (stop func() error, err error) {
	if b.originAddress, err = b.ports.next(); err != nil {
		return nil, err
	}
	if s.slow {
		b.slow, err = startSlowOrigin(b.originAddress)
		if err != nil {
			return nil, err
		}
		return b.slow.close, nil
	}
	origin := site{HTTP: b.originAddress, Root: os.Geteuid() == 0}
	if origin.Directory, err = b.directory("origin"); err != nil {
		return nil, err
	}
	running, err := startOrigin(b.tools, origin)
	if err != nil {
		return nil, err
	}
	if err := (instance{running, origin}).await(ctx, "origin.example", startPause); err != nil {
		return nil, errors.Join(err, running.stop())
	}
	return running.stop, nil
}

// peersDir has the directories of the peers of the scenario that runs.
func (b *bench) peersDir() string { return filepath.Join(b.dir, "peers") }

// directory makes a new one for a peer.
func (b *bench) directory(name string) (string, error) {
	return os.MkdirTemp(b.peersDir(), strings.ReplaceAll(name, " ", "-")+"-")
}

// startAll starts what a scenario measures, all at the same time, and waits until each serves.
// Those that were started are given back with an error as well.
func (b *bench) startAll(ctx context.Context, s scenario) ([]instance, error) {
	instances := make([]instance, len(s.subjects))
	failures := make([]error, len(s.subjects))
	var group sync.WaitGroup
	for i, subject := range s.subjects {
		site, err := b.site(subject)
		if err != nil {
			return instances, err
		}
		group.Go(func() { instances[i], failures[i] = b.start(ctx, subject, site) })
	}
	group.Wait()
	return instances, errors.Join(failures...)
}

func (b *bench) site(s subject) (site, error) {
	directory, err := b.directory(s.name)
	made := site{
		Hosts: hosts(s.routes), AnyHost: s.anyHost, Cache: s.cache, Policy: s.policy,
		TLS: s.tls, Pair: b.pair, Certificate: b.certificateFile(),
		Origin: b.originAddress, Directory: directory, Cores: runtime.NumCPU(), Root: os.Geteuid() == 0,
	}
	for _, address := range []*netip.AddrPort{&made.HTTP, &made.HTTPS, &made.Behind} {
		port, portErr := b.ports.next()
		*address, err = port, errors.Join(err, portErr)
	}
	return made, err
}

func (b *bench) start(ctx context.Context, s subject, site site) (instance, error) {
	running, err := s.peer.start(ctx, b.tools, site)
	if err != nil {
		return instance{}, fmt.Errorf("start %s: %w", s.name, err)
	}
	i := instance{running, site}
	if err := i.await(ctx, site.Hosts[len(site.Hosts)-1], startPause); err != nil {
		return i, fmt.Errorf("start %s: %w\n%s", s.name, err, site.logs())
	}
	return i, nil
}

func stopAll(instances []instance) error {
	failures := make([]error, len(instances))
	var group sync.WaitGroup
	for i, one := range instances {
		if one.server != nil {
			group.Go(func() { failures[i] = one.stop() })
		}
	}
	group.Wait()
	return errors.Join(failures...)
}
