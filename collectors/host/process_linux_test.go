package host

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseProcStat(t *testing.T) {
	line := "4242 (a) b (c) S 1 4242 4242 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 7 0 123456 1000000 2048 18446744073709551615 1 1"
	got, err := parseProcStat([]byte(line))
	want := procStat{comm: "a) b (c", state: "S", parent: 1, cpu: 200, threads: 7, start: 123456, rss: 2048}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1", ")(", strings.Replace(line, "150", "x", 1)} {
		if _, err := parseProcStat([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzParseProcStat(f *testing.F) {
	f.Add([]byte("1 (x) S 1 4242 4242 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 7 0 123456 1000000 2048 1"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if st, err := parseProcStat(line); err == nil && (st.parent < 0 || st.threads < 0 || int64(st.start) < 0) {
			t.Errorf("%q: %+v", line, st)
		}
	})
}

// This process is found under its whole name, with what it uses and writes.
func TestProcessesOfThisMachine(t *testing.T) {
	s := &procSource{tree: machine}
	find := func() reading {
		t.Helper()
		list, err := s.list(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if int(r.pid) == os.Getpid() {
				return r
			}
		}
		t.Fatal("this process is not there")
		return reading{}
	}
	first := find()
	if first.rss < 1<<20 || first.threads < 1 || first.state == "" || first.name == "" || len(first.name) > maxName || first.age > time.Hour {
		t.Errorf("%+v", first)
	}
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); { // use a processor
	}
	if second := find(); second.cpu <= first.cpu || second.began != first.began || second.age != 0 {
		t.Errorf("%+v and then %+v", first, second)
	}
}

func TestKernelThreadNames(t *testing.T) {
	s := &procSource{tree: machine}
	for comm, want := range map[string]string{"kworker/u8:3-events": "kworker", "jbd2/vda-8": "jbd2", "kthreadd": "kthreadd"} {
		if got := s.name(99, &procStat{comm: comm, parent: kthreadd}); got != want {
			t.Errorf("%s becomes %q, want %q", comm, got, want)
		}
	}
}
