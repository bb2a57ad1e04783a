package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Each kind says which host it asks, on which port, and at which address, in what way ever it was written.
func TestEntitiesNameWhomTheyAsk(t *testing.T) {
	s := site(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	away := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:"+port+"/ok", http.StatusFound))
	t.Cleanup(away.Close)
	_, awayPort, err := net.SplitHostPort(strings.TrimPrefix(away.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	names := nameServer(t)
	_, namesPort, err := net.SplitHostPort(names)
	if err != nil {
		t.Fatal(err)
	}
	dead := closed(t)
	_, deadPort, err := net.SplitHostPort(dead)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, target, host, port, address string }{
		{"http", "{http: 'http://localhost:" + port + "/ok'}", "localhost", port, "127.0.0.1"},
		{"http that leads elsewhere", "{http: 'http://localhost:" + awayPort + "/'}", "localhost", awayPort, "127.0.0.1"},
		{"http, nobody there", "{http: 'http://" + dead + "/'}", "127.0.0.1", deadPort, "127.0.0.1"},
		{"tcp", "{tcp: 'localhost:" + port + "'}", "localhost", port, "127.0.0.1"},
		{"tls, nobody there", "{tls: '" + dead + "'}", "127.0.0.1", deadPort, "127.0.0.1"},
		{"dns", "{dns: {server: '" + names + "', name: shop.test}}", "127.0.0.1", namesPort, "127.0.0.1"},
		{"no such name", "{tcp: 'no.such.name.invalid:1'}", "no.such.name.invalid", "1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := probed(t, c.target).Entities[0]
			if got := [3]string{e.Labels["host"], e.Labels["port"], e.Labels["address"]}; got != [3]string{c.host, c.port, c.address} {
				t.Errorf("%q (%s)", got, e.Reason)
			}
		})
	}
	for target, port := range map[string]string{"{http: 'https://[::1]/'}": "443", "{http: 'http://[::1]/'}": "80", "{tls: '::1'}": "443"} {
		e := probed(t, target).Entities[0]
		if e.Labels["host"] != "::1" || e.Labels["port"] != port {
			t.Errorf("%s: %v", target, e.Labels)
		}
	}
}

// once finds an address the first time, and none afterwards.
type once struct{ round int }

func (o *once) run(_ context.Context, r *report) error {
	if o.round++; o.round > 1 {
		return errors.New("the name server does not answer")
	}
	r.labels["address"] = "192.0.2.7"
	return nil
}

func TestTheAddressIsTheOneLastSeen(t *testing.T) {
	tg := &target{name: "shop", host: "shop.example", timeout: pingTimeout, slow: pingTimeout, check: &once{}, labels: map[string]string{"site": "seoul"}}
	for i, state := range []model.State{model.OK, model.Critical} {
		if err := tg.Collect(t.Context(), func(b model.Batch) {
			want := map[string]string{"address": "192.0.2.7", "host": "shop.example", "prober": "", "target": "", "site": "seoul"}
			if diff := cmp.Diff(want, b.Entities[0].Labels); diff != "" || b.Entities[0].State != state {
				t.Errorf("round %d is %v, labels (-want +got): %s", i, b.Entities[0].State, diff)
			}
		}); err != nil {
			t.Fatal(fmt.Errorf("round %d: %w", i, err))
		}
	}
}
