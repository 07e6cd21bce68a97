package supervise

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// errStranger says that a connection was made by somebody else than varnishd.
var errStranger = errors.New("the connection is not varnishd's")

// checkPeer says whether the other end of a connection over the loopback device is held by a process or a descendant of
// it. varnishd proves itself in no other way: the secret lets chaperone prove to varnishd who it is, not the reverse,
// and whoever gets an answer to a challenge can pass it on to a varnishd that listens (-T).
func checkPeer(conn net.Conn, pid int) error {
	local, remote := addrPort(conn.RemoteAddr()), addrPort(conn.LocalAddr())
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		return fmt.Errorf("finding who connects: %w", err)
	}
	inode, found := inodeOf(string(table), local, remote)
	if !found {
		return errStranger
	}
	family, err := familyOf(pid)
	if err != nil {
		return fmt.Errorf("finding who connects: %w", err)
	}
	var problems []error
	for _, member := range family {
		holds, err := holdsSocket(member, inode)
		if holds {
			return nil
		}
		problems = append(problems, err)
	}
	return errors.Join(append(problems, errStranger)...)
}

func addrPort(addr net.Addr) netip.AddrPort {
	tcp := addr.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(tcp.Addr().Unmap(), tcp.Port())
}

// Columns of /proc/net/tcp (proc_net(5), Linux's Documentation/networking/proc_net_tcp.rst).
const (
	localColumn  = 1
	remoteColumn = 2
	inodeColumn  = 9
)

// inodeOf finds the socket of a connection in /proc/net/tcp.
func inodeOf(table string, local, remote netip.AddrPort) (inode string, found bool) {
	for line := range strings.Lines(table) {
		columns := strings.Fields(line)
		if len(columns) > inodeColumn && columns[localColumn] == hexOf(local) && columns[remoteColumn] == hexOf(remote) {
			return columns[inodeColumn], true
		}
	}
	return "", false
}

// hexOf writes an address as /proc/net/tcp does: the address as a number of this machine, the port as a plain one.
func hexOf(address netip.AddrPort) string {
	bytes := address.Addr().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(bytes[:]), address.Port())
}

// familyOf is a process with its descendants.
func familyOf(pid int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range stats {
		// A process that has ended meanwhile is nobody's child.
		if stat, err := os.ReadFile(path); err == nil {
			child, parent := parentIn(string(stat))
			children[parent] = append(children[parent], child)
		}
	}
	family := []int{pid}
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i]]...)
	}
	return family, nil
}

// parentIn reads the numbers of a process and of its parent in /proc/PID/stat; the name between them may hold anything.
func parentIn(stat string) (pid, parent int) {
	pid, _ = strconv.Atoi(stat[:max(0, strings.IndexByte(stat, ' '))])
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) > 1 {
		parent, _ = strconv.Atoi(fields[1])
	}
	return pid, parent
}

// holdsSocket says whether a process has a socket open.
func holdsSocket(pid int, inode string) (bool, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, fmt.Errorf("finding who connects: %w", err)
	}
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil && target == "socket:["+inode+"]" {
			return true, nil
		}
	}
	return false, nil
}
