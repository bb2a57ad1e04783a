package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// procSource reads /proc. It asks two small files of each process: more would cost more than all the
// rest of the collector on a machine with thousands of them.
type procSource struct {
	tree
	known map[int32]*task
	buf   []byte
}

// task is what is remembered of a process between two rounds.
type task struct {
	began     int64
	comm      string
	name      string
	cpu       uint64 // clock ticks when read and wrt were read
	read, wrt uint64
	private   bool // its I/O is not for us to see
}

// clockTick is USER_HZ, which is 100 for all programs on all architectures that Go runs on.
const clockTick = 100

// maxProcFile bounds what is read of a process's file, in bytes.
const maxProcFile = 4096

var errBadStat = errors.New("no line of /proc/PID/stat")

func (s *procSource) list(ctx context.Context, _ time.Time) ([]reading, error) {
	pids, err := s.pids()
	if err != nil {
		return nil, err
	}
	uptime := s.uptime()
	known := make(map[int32]*task, len(pids))
	out := make([]reading, 0, len(pids))
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("after %d of %d: %w", len(out), len(pids), err)
		}
		line, err := s.file(pid, "stat")
		if err != nil {
			continue // it has ended meanwhile
		}
		st, err := parseProcStat(line)
		if err != nil {
			continue
		}
		k := s.known[pid]
		r := reading{
			pid: pid, began: int64(st.start), state: st.state, threads: st.threads,
			cpu: float64(st.cpu) / clockTick, rss: st.rss * uint64(os.Getpagesize()),
		}
		if k == nil || k.began != r.began {
			k = &task{began: r.began}
			r.age = max(uptime-time.Duration(st.start)*time.Second/clockTick, 0)
		}
		if k.comm != st.comm {
			k.comm, k.name = st.comm, s.name(pid, &st)
		}
		// Who does I/O uses a processor: of one that did not, there is nothing new to read.
		if (k.cpu != st.cpu || r.age > 0) && !k.private {
			s.readIO(pid, k)
			k.cpu = st.cpu
		}
		r.name, r.read, r.wrt = k.name, k.read, k.wrt
		known[pid] = k
		out = append(out, r)
	}
	s.known = known
	return out, nil
}

func (s *procSource) pids() ([]int32, error) {
	dir, err := os.Open(s.proc)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]int32, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.ParseInt(name, 10, 32); err == nil {
			pids = append(pids, int32(pid))
		}
	}
	return pids, nil
}

// uptime is how long the system runs, 0 when it does not tell.
func (s *procSource) uptime() time.Duration {
	text, _ := attribute(s.proc, "uptime")
	seconds, _, _ := strings.Cut(text, " ")
	v, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return 0
	}
	return time.Duration(v * float64(time.Second))
}

// file reads a file of a process into the one buffer, good until the next call. os.ReadFile would cost
// twice as much, most of it for what files of /proc do not need.
func (s *procSource) file(pid int32, name string) ([]byte, error) {
	if s.buf == nil {
		s.buf = make([]byte, maxProcFile)
	}
	fd, err := syscall.Open(s.proc+"/"+strconv.Itoa(int(pid))+"/"+name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }()
	for {
		n, err := syscall.Read(fd, s.buf)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		return s.buf[:max(n, 0)], err
	}
}

// readIO reads what a process got from disks and gave to them.
func (s *procSource) readIO(pid int32, k *task) {
	b, err := s.file(pid, "io")
	if err != nil {
		k.private = errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM)
		return
	}
	for line := range bytes.Lines(b) {
		name, text, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		v, err := strconv.ParseUint(string(text), 10, 64)
		switch {
		case err != nil:
		case string(name) == "read_bytes":
			k.read = v
		case string(name) == "write_bytes":
			k.wrt = v
		}
	}
}

// commLength is to what the kernel cuts a program's name, in bytes.
const commLength = 15

// name is what people call a process: its program's name, whole where the kernel has cut it.
func (s *procSource) name(pid int32, st *procStat) string {
	if st.parent == kthreadd || pid == kthreadd {
		return printable(kernelThread(st.comm), maxName)
	}
	if len(st.comm) == commLength {
		if b, err := s.file(pid, "cmdline"); err == nil {
			arg, _, _ := bytes.Cut(b, []byte{0})
			if name := filepath.Base(string(arg)); strings.HasPrefix(name, st.comm) {
				return printable(name, maxName)
			}
		}
	}
	return printable(st.comm, maxName)
}

// kernelThread is the name of a thread of the kernel without what tells one processor's or one disk's from
// another's: kworker/u8:3-events becomes kworker.
func kernelThread(comm string) string {
	name, _, _ := strings.Cut(comm, "/")
	return name
}

// kthreadd is the number of the parent of all threads of the kernel.
const kthreadd = 2

// procStat is what is used of a line of /proc/PID/stat. See proc_pid_stat(5).
type procStat struct {
	comm    string
	state   string
	parent  int32
	cpu     uint64 // clock ticks in user and system mode
	threads int
	start   uint64 // clock ticks after the system's start
	rss     uint64 // pages
}

// parseProcStat parses a line of /proc/PID/stat. A program chooses its name, which may hold spaces and
// parentheses: the last one that closes ends it.
func parseProcStat(line []byte) (procStat, error) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return procStat{}, errBadStat
	}
	st := procStat{comm: string(line[open+1 : end])}
	var bad error
	n := 2 // fields so far
	for text := range bytes.FieldsSeq(line[end+1:]) {
		n++
		if n == 3 {
			st.state = printable(string(text[:1]), 1)
			continue
		}
		var v uint64
		switch n {
		case 4, 14, 15, 20, 22, 24:
			var err error
			if v, err = strconv.ParseUint(string(text), 10, 63); err != nil {
				bad = fmt.Errorf("%w: field %d: %w", errBadStat, n, err)
			}
		}
		switch n {
		case 4:
			st.parent = int32(min(v, 1<<31-1))
		case 14, 15:
			st.cpu += v
		case 20:
			st.threads = int(v)
		case 22:
			st.start = v
		case 24:
			st.rss = v
			return st, bad
		}
	}
	return procStat{}, errBadStat
}
