package scrape

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"

	"github.com/nocturne-noc/nocturne/store/model"
)

// pod is one of cluster prod that asks to be scraped; pairs are more labels, or others.
func pod(ns, name, ip string, pairs ...string) model.Entity {
	return object(model.ObjectID("prod", ns, model.KindPod, name), model.KindPod, name,
		append([]string{"ip", ip, "node", "n1", scrapeAnnotation, "true", portAnnotation, "9121"}, pairs...))
}

func service(ns, name, ip string, pairs ...string) model.Entity {
	return object(model.ObjectID("prod", ns, model.KindService, name), model.KindService, name,
		append([]string{"clusterIP", ip, scrapeAnnotation, "true", "ports", "9100/TCP to http"}, pairs...))
}

func object(id string, kind model.Kind, name string, pairs []string) model.Entity {
	e := model.Entity{ID: id, Kind: kind, Name: name, Labels: map[string]string{}}
	for pair := range slices.Chunk(pairs, 2) {
		if e.Labels[pair[0]] = pair[1]; pair[1] == "" {
			delete(e.Labels, pair[0])
		}
	}
	return e
}

// TestTargetOf holds what of an annotation becomes a target, and the words for what does not.
func TestTargetOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		of   model.Entity
		want string // URL
		err  string
	}{
		{"pod", pod("shop", "cart-0", "10.1.2.3"), "http://10.1.2.3:9121/metrics", ""},
		{"path and scheme", pod("shop", "cart-0", "10.1.2.3", pathAnnotation, "/stats/prometheus", schemeAnnotation, "HTTPS"), "https://10.1.2.3:9121/stats/prometheus", ""},
		{"IPv6", pod("shop", "cart-0", "fd00::7"), "http://[fd00::7]:9121/metrics", ""},
		{"on the host", pod("shop", "cart-0", "127.0.0.1"), "http://127.0.0.1:9121/metrics", ""},
		{"service", service("shop", "cart", "10.96.0.9"), "http://10.96.0.9:9100/metrics", ""},
		{"service with a port", service("shop", "cart", "10.96.0.9", portAnnotation, "8080"), "http://10.96.0.9:8080/metrics", ""},
		{"service of two ports", service("shop", "cart", "10.96.0.9", "ports", "80/TCP, 443/TCP"), "", "does not say prometheus.io/port"},
		{"headless", service("shop", "cart", "None"), "", "headless"},
		{"external name", service("shop", "cart", ""), "", `"" is no address`},
		{"no port", pod("shop", "cart-0", "10.1.2.3", portAnnotation, ""), "", "does not say prometheus.io/port"},
		{"port 0", pod("shop", "cart-0", "10.1.2.3", portAnnotation, "0"), "", "from 1 to 65535"},
		{"large port", pod("shop", "cart-0", "10.1.2.3", portAnnotation, "65536"), "", "from 1 to 65535"},
		{"another host in the port", pod("shop", "cart-0", "10.1.2.3", portAnnotation, "80@169.254.169.254:80"), "", "from 1 to 65535"},
		{"a host for an address", pod("shop", "cart-0", "metadata.internal"), "", "no address"},
		{"any address", pod("shop", "cart-0", "0.0.0.0"), "", "no address"},
		{"zone", pod("shop", "cart-0", "fe80::1%eth0"), "", "no address"},
		{"relative path", pod("shop", "cart-0", "10.1.2.3", pathAnnotation, "@169.254.169.254/"), "", "begins with /"},
		{"query", pod("shop", "cart-0", "10.1.2.3", pathAnnotation, "/metrics?format=prometheus"), "", "without ? and #"},
		{"control characters", pod("shop", "cart-0", "10.1.2.3", pathAnnotation, "/\x1b[31m"), "", "begins with /"},
		{"long path", pod("shop", "cart-0", "10.1.2.3", pathAnnotation, "/"+strings.Repeat("x", maxPath)), "", "begins with /"},
		{"two slashes", pod("shop", "cart-0", "10.1.2.3", pathAnnotation, "//169.254.169.254/x"), "http://10.1.2.3:9121//169.254.169.254/x", ""},
		{"up and away", pod("shop", "cart-0", "10.1.2.3", pathAnnotation, "/../../x"), "http://10.1.2.3:9121/../../x", ""},
		{"scheme", pod("shop", "cart-0", "10.1.2.3", schemeAnnotation, "file"), "", "want http or https"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := new(Kubernetes).find([]model.Entity{tt.of})
			if tt.err != "" {
				if len(found.Targets) > 0 || len(found.Left) != 1 || !strings.Contains(found.Left[0], tt.err) || !strings.HasPrefix(found.Left[0], string(tt.of.Kind)+" shop/cart") {
					t.Fatalf("%+v, want %q", found, tt.err)
				}
				return
			}
			if len(found.Targets) != 1 || len(found.Left) > 0 {
				t.Fatalf("%+v", found)
			}
			p := poolOf(t, Config{Kubernetes: &Kubernetes{}})
			final, err := scrape.PopulateLabels(labels.NewBuilder(labels.EmptyLabels()), p.config, found.Targets[0], nil)
			if err != nil {
				t.Fatal(err)
			}
			target := scrape.NewTarget(final, p.config, found.Targets[0], nil)
			if got := target.URL().String(); got != tt.want {
				t.Errorf("URL %s, want %s", got, tt.want)
			}
			if target.URL().User != nil || target.URL().Hostname() != strings.Trim(tt.of.Labels["ip"]+tt.of.Labels["clusterIP"], "[]") {
				t.Errorf("URL %s does not lead to the object itself", target.URL())
			}
		})
	}
}

// TestFind holds which entities are asked, in what order, and how many.
func TestFind(t *testing.T) {
	bare := func(e model.Entity) model.Entity {
		e.Labels = maps.Clone(e.Labels)
		delete(e.Labels, scrapeAnnotation)
		return e
	}
	busan := pod("shop", "cart-0", "10.2.0.1")
	busan.ID = model.ObjectID("busan", "shop", model.KindPod, "cart-0")
	stranger := object(model.ServerID("10.0.0.1:80"), model.KindService, "x", []string{"clusterIP", "10.0.0.1", scrapeAnnotation, "true", portAnnotation, "80"})
	all := []model.Entity{
		pod("data", "db-0", "10.1.0.1"), pod("shop", "cart-0", "10.1.0.2"), bare(pod("shop", "cart-1", "10.1.0.3")),
		pod("shop", "cart-2", "10.1.0.4", scrapeAnnotation, "false"), busan, service("shop", "cart", "10.96.0.1"), stranger,
	}
	for _, tt := range []struct {
		name   string
		config Kubernetes
		want   []string
		beyond int
	}{
		{"all", Kubernetes{}, []string{"10.1.0.1:9121", "10.1.0.2:9121", "10.2.0.1:9121", "10.96.0.1:9100"}, 0},
		{"a cluster", Kubernetes{Clusters: []string{"prod"}}, []string{"10.1.0.1:9121", "10.1.0.2:9121", "10.96.0.1:9100"}, 0},
		{"a namespace", Kubernetes{Clusters: []string{"prod"}, Namespaces: []string{"data", "none"}}, []string{"10.1.0.1:9121"}, 0},
		{"a limit", Kubernetes{MaxTargets: 1}, []string{"10.1.0.1:9121"}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := tt.config.find(all)
			var got []string
			for _, target := range found.Targets {
				got = append(got, string(target[prom.AddressLabel]))
			}
			if !slices.Equal(got, tt.want) || found.Beyond != tt.beyond || len(found.Left) > 0 {
				t.Errorf("%v, %d beyond, left %v; want %v, %d", got, found.Beyond, found.Left, tt.want, tt.beyond)
			}
		})
	}
}

// TestRelabelLikePrometheus holds that what people have in their prometheus.yml for pods works on what is found here.
func TestRelabelLikePrometheus(t *testing.T) {
	p := poolOf(t, Config{Kubernetes: &Kubernetes{}, Relabel: rules(t, `
- {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep, regex: true}
- {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], action: replace, target_label: __metrics_path__, regex: (.+)}
- {source_labels: [__address__, __meta_kubernetes_pod_annotation_prometheus_io_port], action: replace, regex: '([^:]+)(?::\d+)?;(\d+)', replacement: '$1:$2', target_label: __address__}
- {action: labelmap, regex: __meta_kubernetes_pod_label_(.+)}
- {source_labels: [__meta_kubernetes_namespace], target_label: kubernetes_namespace}
- {source_labels: [__meta_kubernetes_pod_name], target_label: instance}
- {source_labels: [__meta_kubernetes_pod_node_name, __meta_kubernetes_pod_ip, __meta_kubernetes_pod_phase], target_label: at}
- {source_labels: [__meta_kubernetes_pod_labelpresent_app_kubernetes_io_name], target_label: named}
`)})
	found := new(Kubernetes).find([]model.Entity{pod("shop", "cart-0", "10.1.2.3", pathAnnotation, "/m", "labels", "app.kubernetes.io/name=cart,tier=web")})
	final, err := scrape.PopulateLabels(labels.NewBuilder(labels.EmptyLabels()), p.config, found.Targets[0], prom.LabelSet{"site": "seoul"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"__address__": "10.1.2.3:9121", "__metrics_path__": "/m", "job": "servers", "site": "seoul",
		"cluster": "prod", "namespace": "shop", "pod": "cart-0", "node": "n1",
		"app_kubernetes_io_name": "cart", "tier": "web", "kubernetes_namespace": "shop", "instance": "cart-0", "at": "n1;10.1.2.3;Running", "named": "true",
	}
	for name, value := range want {
		if got := final.Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	final.Range(func(l labels.Label) {
		if strings.HasPrefix(l.Name, prom.MetaLabelPrefix) {
			t.Errorf("%s is left", l.Name)
		}
	})
}

// FuzzTargetOf holds that no annotation leads a scrape away from the pod's own address.
func FuzzTargetOf(f *testing.F) {
	f.Add("10.1.2.3", "9121", "/metrics", "http")
	f.Add("169.254.169.254", "80@x", "//x@y/", "HTTPS")
	f.Add("fe80::1%x", "+80", "/a?b#c", "gopher")
	f.Add("::ffff:127.0.0.1", "00080", "/%2e%2e/", "")
	p := poolOf(f, Config{Kubernetes: &Kubernetes{}})
	f.Fuzz(func(t *testing.T, ip, port, path, scheme string) {
		e := pod("shop", "cart-0", ip, portAnnotation, port, pathAnnotation, path, schemeAnnotation, scheme)
		for _, target := range new(Kubernetes).find([]model.Entity{e}).Targets {
			final, err := scrape.PopulateLabels(labels.NewBuilder(labels.EmptyLabels()), p.config, target, nil)
			if err != nil {
				t.Fatalf("%v: %v", target, err)
			}
			u := scrape.NewTarget(final, p.config, target, nil).URL()
			again, err := u.Parse(u.String())
			if err != nil || again.Host != u.Host || again.User != nil || again.RawQuery != "" || again.Fragment != "" || again.Scheme != "http" && again.Scheme != "https" {
				t.Fatalf("%s read again is %+v: %v", u, again, err)
			}
			at, err1 := netip.ParseAddr(u.Hostname())
			own, err2 := netip.ParseAddr(ip)
			if err1 != nil || err2 != nil || at != own.Unmap() {
				t.Fatalf("%s is not at %q", u, ip)
			}
		}
	})
}

// poolOf is the pool of a source with a configuration.
func poolOf(t testing.TB, cfg Config) *pool {
	t.Helper()
	scraping, err := cfg.scraping(envOf(cfg))
	if err != nil {
		t.Fatal(err)
	}
	exporters, err := builtinExporters()
	if err != nil {
		t.Fatal(err)
	}
	return newPool(scraping, exporters)
}

// BenchmarkFind looks through a cluster of 20,000 pods, of which a hundred ask to be scraped.
func BenchmarkFind(b *testing.B) {
	var all []model.Entity
	for i := range 20_000 {
		e := pod("shop", fmt.Sprintf("cart-%05d", i), fmt.Sprintf("10.1.%d.%d", i/256, i%256))
		if i%200 != 0 {
			delete(e.Labels, scrapeAnnotation)
		}
		all = append(all, e)
	}
	for b.Loop() {
		if found := new(Kubernetes).find(all); len(found.Targets) != 100 {
			b.Fatalf("%d targets", len(found.Targets))
		}
	}
}
