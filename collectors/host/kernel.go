package host

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// kernelLine is one that the kernel said.
type kernelLine struct {
	seq  uint64        // rises by one with each since the system started
	at   time.Duration // since then
	text string
}

// parseKmsg parses a record of /dev/kmsg: "6,339,5140900,-;text", the kernel's own ones only. See the
// kernel's Documentation/ABI/testing/dev-kmsg.
func parseKmsg(record []byte) (kernelLine, bool) {
	head, text, ok := strings.Cut(string(record), ";")
	fields := strings.Split(head, ",")
	if !ok || len(fields) < 3 {
		return kernelLine{}, false
	}
	priority, err1 := strconv.ParseUint(fields[0], 10, 32)
	seq, err2 := strconv.ParseUint(fields[1], 10, 64)
	micro, err3 := strconv.ParseInt(fields[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || micro < 0 || micro > int64(100*365*24*time.Hour/time.Microsecond) {
		return kernelLine{}, false
	}
	if priority>>3 != 0 { // the facility: what programs write there says others
		return kernelLine{}, false
	}
	text, _, _ = strings.Cut(text, "\n") // what follows are its properties
	return kernelLine{seq: seq, at: time.Duration(micro) * time.Microsecond, text: printable(text, maxKernelText)}, true
}

// maxKernelText bounds what is kept of a line, in bytes.
const maxKernelText = 300

// kernelTopic is a kind of line that an operator wants to see.
type kernelTopic struct {
	name     string
	severity model.State
	match    *regexp.Regexp
}

// kernelTopics are in the order of their precedence. What matches none is not told.
var kernelTopics = []kernelTopic{
	{"oom", model.Warning, regexp.MustCompile(`^Memory cgroup out of memory: Killed process \d+`)},
	{"oom", model.Critical, regexp.MustCompile(`^Out of memory: Killed process \d+|^Kernel panic - not syncing: Out of memory`)},
	{"crash", model.Critical, regexp.MustCompile(`^(Kernel panic|BUG: |Oops: |kernel BUG at |general protection fault)|Unable to handle kernel `)},
	{"hardware", model.Critical, regexp.MustCompile(`(?i)uncorrect(ed|able) .*error|^mce: .*fatal|\[Hardware Error\]: .*(fatal|uncorrected)`)},
	{"hardware", model.Warning, regexp.MustCompile(`\[Hardware Error\]|^mce: |^EDAC .*\b(CE|UE)\b|AER: .*error|temperature above threshold|clock throttled`)},
	{"filesystem", model.Critical, regexp.MustCompile(`(?i)remounting filesystem read-only|filesystem has been shut down|shutting down filesystem|forced readonly`)},
	{"filesystem", model.Critical, regexp.MustCompile(`^EXT[234]-fs error|^XFS \(\S+\): .*([Cc]orruption|[Ii]nternal error|log I/O error)|^BTRFS(: | )(error|critical)|^F2FS-fs .*(inconsistent|corrupt)`)},
	{"raid", model.Critical, regexp.MustCompile(`^md/raid\S*: ?Disk failure on|^md: .*(kicking|not clean|failed)`)},
	{"disk", model.Critical, regexp.MustCompile(`I/O error,? |Medium Error|critical (medium|target|space allocation|nexus) error|^nvme \S+: (I/O .*timeout|controller is down|Device not ready)|^ata\S+: (failed command|exception Emask|.*hard resetting link)|rejecting I/O to (offline|dead) device`)},
	{"hung", model.Warning, regexp.MustCompile(`^INFO: task .+ blocked for more than \d+ seconds|(soft|hard) ?lockup|LOCKUP|rcu.*(detected stalls|self-detected stall)`)},
	{"link", model.Warning, regexp.MustCompile(`(?i)\b(NIC )?link (is )?down\b|link status definitely down|carrier lost|transmit queue \d+ timed out`)},
	{"link", model.OK, regexp.MustCompile(`(?i)\b(NIC )?link (is )?up\b|link status definitely up`)},
	{"network", model.Warning, regexp.MustCompile(`(?i)nf_conntrack: table full|possible SYN flooding|neighbour: \S+: neighbor table overflow|TCP: out of memory`)},
	{"nfs", model.Warning, regexp.MustCompile(`^nfs: server \S+ not responding`)},
	{"nfs", model.OK, regexp.MustCompile(`^nfs: server \S+ OK`)},
}

func topicOf(text string) (kernelTopic, bool) {
	if strings.HasPrefix(text, "audit: ") {
		return kernelTopic{}, false // quotes what programs say
	}
	for _, t := range kernelTopics {
		if t.match.MatchString(text) {
			return t, true
		}
	}
	return kernelTopic{}, false
}

const (
	maxKernelEvents = 20          // in a window
	kernelWindow    = time.Minute // for which repeats are counted
)

// kernelDesk makes events of lines: what repeats within a window is told once and counted, and of a flood
// only that it was one. It is driven by the lines' own times, so that reading old lines again says the same.
type kernelDesk struct {
	entity, title string
	boot          string // tells lines of one number apart

	began  time.Time // of the window, zero for none
	shown  int
	folds  map[string]*model.Event // by what they say without numbers
	order  []string
	missed int
	last   uint64 // number of the line that was taken last
}

// take takes a line said at a time. Its events are those of windows that have ended, and its own.
func (d *kernelDesk) take(l kernelLine, at time.Time) []model.Event {
	topic, ok := topicOf(l.text)
	if !ok {
		return nil
	}
	events := d.due(at)
	if d.began.IsZero() {
		d.began, d.folds, d.order, d.shown, d.missed = at, map[string]*model.Event{}, nil, 0, 0
	}
	d.last = l.seq
	key := topic.name + " " + digits.ReplaceAllString(l.text, "#")
	if f := d.folds[key]; f != nil {
		f.Count++
		f.Time, f.Text = at, l.text
		return events
	}
	if d.shown >= maxKernelEvents {
		d.missed++
		return events
	}
	d.shown++
	e := d.event(topic.name, topic.severity, l.seq, at, l.text)
	fold := e
	fold.Labels = map[string]string{"topic": topic.name}
	d.folds[key] = &fold
	d.order = append(d.order, key)
	return append(events, e)
}

// digits are numbers that stand alone: those of a name, such as sda1, tell things apart.
var digits = regexp.MustCompile(`\b(0x[0-9a-f]+|[0-9]+)\b`)

// due ends the window when its time is over.
func (d *kernelDesk) due(now time.Time) []model.Event {
	if d.began.IsZero() || now.Sub(d.began) < kernelWindow {
		return nil
	}
	var events []model.Event
	for i, key := range d.order {
		if f := d.folds[key]; f.Count > 0 {
			f.Count++ // the first one too
			f.Labels[model.LabelUID] = d.uid("fold", d.last) + "/" + strconv.Itoa(i)
			events = append(events, *f)
		}
	}
	if d.missed > 0 {
		events = append(events, d.event("flood", model.Warning, d.last, d.began.Add(kernelWindow),
			strconv.Itoa(d.missed)+" more messages of the kernel in this minute are not shown: see dmesg"))
	}
	d.began = time.Time{}
	return events
}

// end is when the window is over, zero for none.
func (d *kernelDesk) end() time.Time {
	if d.began.IsZero() {
		return time.Time{}
	}
	return d.began.Add(kernelWindow)
}

func (d *kernelDesk) event(topic string, severity model.State, seq uint64, at time.Time, text string) model.Event {
	return model.Event{
		Time: at, Severity: severity, Kind: "kernel", Entity: d.entity, Title: d.title, Text: text,
		Labels: map[string]string{"topic": topic, model.LabelUID: d.uid(topic, seq)},
	}
}

func (d *kernelDesk) uid(what string, seq uint64) string {
	return "kernel/" + d.boot + "/" + what + "/" + strconv.FormatUint(seq, 10)
}
