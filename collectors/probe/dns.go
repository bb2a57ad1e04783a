package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const dnsPort = 53

// DNSConfig is a question to a DNS server.
type DNSConfig struct {
	Server string     `yaml:"server"` // address or name, with :port or without
	Name   string     `yaml:"name"`   // that is asked for
	Type   string     `yaml:"type"`   // A
	Want   stringList `yaml:"want"`   // what the answers must have, such as an address; any answer without it
	TCP    bool       `yaml:"tcp"`    // ask by TCP at once, not only where an answer is truncated
}

// stringList is one text or a list of them.
type stringList []string

// UnmarshalYAML reads "a" and "[a, b]".
func (l *stringList) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*l = stringList{one}
		return nil
	}
	return unmarshal((*[]string)(l))
}

// dnsCheck asks one question.
type dnsCheck struct {
	host   string
	port   uint16
	family string
	name   string // fully qualified
	qtype  uint16
	want   []string // normal
	tcp    bool
}

func (c *DNSConfig) check() (*dnsCheck, error) {
	kind, ok := dns.StringToType[strings.ToUpper(cmp.Or(c.Type, "A"))]
	if !ok {
		return nil, fmt.Errorf("dns type %.20q: want A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT or another of DNS", c.Type)
	}
	if _, ok := dns.IsDomainName(c.Name); !ok || c.Name == "" {
		return nil, fmt.Errorf("dns name %.80q: want a domain name", words(c.Name))
	}
	host, port, err := hostPort(c.Server, dnsPort)
	if err != nil {
		return nil, fmt.Errorf("dns server: %w", err)
	}
	d := &dnsCheck{host: host, port: port, name: dns.Fqdn(c.Name), qtype: kind, tcp: c.TCP}
	for _, w := range c.Want {
		d.want = append(d.want, normal(w))
	}
	return d, nil
}

// title is the question in short.
func (c *dnsCheck) title() string {
	return fmt.Sprintf("%s %s @%s", strings.TrimSuffix(c.name, "."), dns.TypeToString[c.qtype], c.host)
}

func (c *dnsCheck) run(ctx context.Context, r *report) error {
	addr, took, err := r.lookUp(ctx, c.host, c.family)
	const phases = "probe_dns_duration_seconds"
	r.add(phases, took.Seconds(), "phase", "resolve")
	if err != nil {
		return err
	}
	start := time.Now()
	reply, connected, err := c.ask(ctx, r, addr, c.tcp)
	if err == nil && reply.Truncated && !c.tcp {
		reply, _, err = c.ask(ctx, r, addr, true)
	}
	r.add(phases, connected.Seconds(), "phase", "connect")
	r.add(phases, max(0, time.Since(start)-connected).Seconds(), "phase", "request")
	r.add("probe_dns_query_succeeded", truth(err == nil))
	if err != nil {
		return err
	}
	r.add("probe_dns_answer_rrs", float64(len(reply.Answer)))
	r.add("probe_dns_authority_rrs", float64(len(reply.Ns)))
	r.add("probe_dns_additional_rrs", float64(len(reply.Extra)))
	if len(reply.Answer) > 0 {
		if soa, ok := reply.Answer[0].(*dns.SOA); ok && c.qtype == dns.TypeSOA {
			r.add("probe_dns_serial", float64(soa.Serial))
		}
	}
	return c.judge(reply)
}

// ask makes one exchange; connected is how long the connection took.
func (c *dnsCheck) ask(ctx context.Context, r *report, addr netip.Addr, tcp bool) (*dns.Msg, time.Duration, error) {
	network := "udp"
	if tcp {
		network = "tcp"
	}
	query := new(dns.Msg)
	query.SetQuestion(c.name, c.qtype)
	client := dns.Client{Net: network}
	if deadline, ok := ctx.Deadline(); ok {
		client.Timeout = time.Until(deadline)
	}
	r.phase = "connecting"
	start := time.Now()
	conn, err := client.DialContext(ctx, net.JoinHostPort(addr.String(), strconv.Itoa(int(c.port))))
	connected := time.Since(start)
	if err != nil {
		return nil, connected, err
	}
	defer func() { _ = conn.Close() }() // the answer is read
	r.phase = "waiting for the answer"
	reply, _, err := client.ExchangeWithConnContext(ctx, query, conn)
	var wrong *dns.Error
	if errors.As(err, &wrong) && !errors.Is(err, io.EOF) {
		return nil, connected, failed("the answer cannot be read: %v", wrong)
	}
	return reply, connected, err
}

// judge says what is wrong with an answer.
func (c *dnsCheck) judge(reply *dns.Msg) error {
	what := strings.TrimSuffix(c.name, ".") + " " + dns.TypeToString[c.qtype]
	switch reply.Rcode {
	case dns.RcodeSuccess:
	case dns.RcodeNameError:
		return failed("the server knows no such name: %s (NXDOMAIN)", strings.TrimSuffix(c.name, "."))
	default:
		return failed("the server answers %s", dns.RcodeToString[reply.Rcode])
	}
	var got []string
	for _, rr := range reply.Answer {
		got = append(got, normal(strings.TrimPrefix(rr.String(), rr.Header().String())))
	}
	if len(got) == 0 {
		return failed("no answer to %s", what)
	}
	for _, w := range c.want {
		if !slices.Contains(got, w) {
			return failed("%s lacks %s, has %s", what, w, strings.Join(got[:min(len(got), 4)], ", "))
		}
	}
	return nil
}

// normal is the data of a record, or what is wanted of it, in the form in which they are compared.
func normal(s string) string {
	return strings.ToLower(strings.TrimSuffix(strings.Trim(strings.TrimSpace(s), `"`), "."))
}
