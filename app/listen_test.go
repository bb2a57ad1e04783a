package app

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// freePort is an address on which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
	}()
	return ln.Addr().String()
}

// The API listens with a token only, and a reload takes over another token, another port, and none.
func TestListen(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "n.yaml")
	first, second := strings.Repeat("a", 32), strings.Repeat("b", 32)
	writeConfig(t, filepath.Join(dir, "first"), first+"\n")
	writeConfig(t, filepath.Join(dir, "second"), second+"\n")
	addr := freePort(t)
	c := openCore(t, dir, "wall: {listen: '"+addr+"', token: 'file:first'}\n")
	defer closeCore(t, c)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	status := func(addr, token string) int { // 0: nobody listens
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(req)
		if err != nil {
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if got := status(addr, first); got != http.StatusOK {
		t.Errorf("with the token: %d, %v", got, c.Problems())
	}
	if got := status(addr, second); got != http.StatusUnauthorized {
		t.Errorf("with another: %d", got)
	}
	writeConfig(t, path, "wall: {listen: '"+addr+"', token: 'file:second'}\n# another token\n")
	eventually(t, "the second token opens, the first does not", func() bool {
		return status(addr, second) == http.StatusOK && status(addr, first) == http.StatusUnauthorized
	})
	other := freePort(t)
	writeConfig(t, path, "wall: {listen: '"+other+"', token: 'file:second'}\n# another port, too\n")
	eventually(t, "another port answers, the first does not", func() bool {
		return status(other, second) == http.StatusOK && status(addr, second) == 0
	})
	writeConfig(t, path, "wall: {listen: '"+other+"', token: 'file:nowhere'}\n# no such token any more\n")
	eventually(t, "without its token nothing listens, and the wall says so", func() bool {
		return status(other, second) == 0 && strings.Contains(problemIn(c, "listen"), "n.yaml:1:")
	})
	writeConfig(t, path, "wall: {}\n# nothing listens any more, and nothing is wrong\n")
	eventually(t, "all is well", func() bool { return problemIn(c, "listen") == "" })
	for _, e := range CheckConfig(path) {
		t.Error(e)
	}
	writeConfig(t, path, "wall: {listen: '"+other+"', token: 'file:nowhere'}\n")
	if found := CheckConfig(path); len(found) != 1 || !strings.Contains(found[0].Error(), "wall.token: secret file:") {
		t.Errorf("check config: %v", found)
	}
}
