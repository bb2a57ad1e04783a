package scrape

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/collectors"
)

// opened opens the one source of a configuration.
func opened(t *testing.T, text string) ([]collectors.Job, error) {
	t.Helper()
	cfg, err := config.Parse("nocturne.yaml", []byte(text), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := cfg.Sources[0]
	jobs, err := Kind().Open(collectors.Env{
		Name: s.Name, Every: s.Every, Decode: s.Decode, Now: time.Now, Path: cfg.Abs,
		Secret: func(ref string) (string, error) {
			if !strings.HasPrefix(ref, "env:") {
				return "", errors.New("want env:NAME or file:PATH")
			}
			return "secret", nil
		},
	})
	return jobs, s.Locate(err)
}

func TestOpen(t *testing.T) {
	jobs, err := opened(t, `sources:
  - kind: scrape
    name: servers
    every: 30s
    targets: ['db1:9100', 'db2:9100']
    file_sd: [targets/*.yml]
    labels: {site: seoul}
    scheme: https
    metrics_path: /metrics/all
    params: {collect: [cpu, disk]}
    timeout: 5s
    tls: {server_name: db, insecure_skip_verify: true}
    basic_auth: {username: noc, password: env:PASSWORD}
    relabel:
      - {source_labels: [__address__], regex: '([^:]+):.*', target_label: instance, replacement: $1}
    metric_relabel:
      - {source_labels: [__name__], regex: go_.*, action: drop}
    honor_labels: true
    honor_timestamps: false
    body_size_limit: 16MiB
    sample_limit: 5000
    label_limit: 30
    label_name_length_limit: 100
    label_value_length_limit: 1000
    target_limit: 100
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs) != 3 || jobs[0].Target != "db1:9100" || jobs[1].Target != "db2:9100" || jobs[2].Target != "file_sd" || jobs[0].Every != 30*time.Second {
		t.Fatalf("jobs %+v", jobs)
	}
	p := jobs[0].Watch.(*static).pool
	if jobs[1].Watch.(*static).pool != p || jobs[2].Watch.(*fileSD).pool != p {
		t.Error("a source has more than one pool")
	}
	c := p.config
	if c.JobName != "servers" || c.Scheme != "https" || c.MetricsPath != "/metrics/all" || len(c.Params["collect"]) != 2 || time.Duration(c.ScrapeTimeout) != 5*time.Second ||
		c.HTTPClientConfig.BasicAuth.Password != "secret" || !c.HTTPClientConfig.TLSConfig.InsecureSkipVerify || len(c.RelabelConfigs) != 1 || len(c.MetricRelabelConfigs) != 1 ||
		!c.HonorLabels || c.HonorTimestamps || c.BodySizeLimit != 16<<20 || c.SampleLimit != 5000 || c.LabelLimit != 30 || c.TargetLimit != 100 {
		t.Errorf("configuration %+v", c)
	}
}

// TestDefaults holds that what a target may send is bounded without a word in the configuration.
func TestDefaults(t *testing.T) {
	jobs, err := opened(t, "sources: [{kind: scrape, targets: ['db1:9100']}]")
	if err != nil {
		t.Fatal(err)
	}
	c := jobs[0].Watch.(*static).pool.config
	if c.BodySizeLimit != 64<<20 || c.LabelLimit == 0 || c.LabelNameLengthLimit == 0 || c.LabelValueLengthLimit == 0 || !c.HonorTimestamps || time.Duration(c.ScrapeTimeout) != maxTimeout || jobs[0].Every != defaultEvery {
		t.Errorf("configuration %+v", c)
	}
}

// TestOpenErrors holds the words for each wrong configuration, and that they have their line.
func TestOpenErrors(t *testing.T) {
	for keys, want := range map[string]string{
		"labels: {a: b}":                       "nothing to scrape",
		"targets: ['db1:9100', 'db1:9100']":    "twice",
		"targets: ['http://db1:9100/metrics']": "want host:port",
		"targets: ['']":                        "no address",
		"target: ['db1:9100']":                 "targets",
		"targets: [a], timeout: 1m":            "at most the interval",
		"targets: [a], scheme: ftp":            "want http or https",
		"targets: [a], bearer: literal":        "bearer: want env:NAME",
		"targets: [a], bearer: env:A, basic_auth: {username: a, password: env:B}": "both basic_auth and bearer",
		"targets: [a], tls: {ca_file: missing.pem}":                               "missing.pem",
		"targets: [a], tls: {cert_file: missing.pem}":                             "key",
		"targets: [a], relabel: [{action: dance}]":                                "dance",
		"targets: [a], relabel: [{regex: '('}]":                                   "missing closing",
		"targets: [a], relabel: [{action: hashmod, target_label: x}]":             "modulus",
		"targets: [a], relabel: [null]":                                           "rule 1",
		"targets: [a], labels: {__x: y}":                                          "no name for a label",
		"targets: [a], body_size_limit: many":                                     "many",
		"targets: [a], body_size_limit: -1MB":                                     "more than 0",
		"targets: [a], sample_limit: -1":                                          "not negative",
		"file_sd: [targets.txt]":                                                  "targets.txt",
	} {
		t.Run(keys, func(t *testing.T) {
			_, err := opened(t, "sources:\n  - {kind: scrape, "+keys+"}\n")
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nocturne.yaml:2") {
				t.Errorf("%v, want %q in line 2", err, want)
			}
		})
	}
}
