package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	wallUser   = "nocturne"    // whose token the wallboard has
	frontProxy = "front-proxy" // whom the API server is to extensions of the API
)

// secrets are what the programs and users of a cluster prove themselves with.
type secrets struct {
	authority   authority
	admin, wall access
}

// access is how somebody reaches a cluster.
type access struct {
	Cluster, Server, Token string
	CA                     []byte // PEM
}

// writeSecrets makes the folder of a cluster anew, with an authority, certificates, random tokens and a key for service
// accounts.
func (c *cluster) writeSecrets() (*secrets, error) {
	if err := os.RemoveAll(c.path("")); err != nil {
		return nil, fmt.Errorf("cluster: empty its folder: %w", err)
	}
	if err := os.MkdirAll(c.path("logs"), 0o700); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	ca, err := newAuthority(c.plan.Name, c.now())
	if err != nil {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("cluster: service account key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("cluster: service account key: %w", err)
	}
	reach := func(token string) access {
		return access{Cluster: c.plan.Name, Server: c.plan.apiServer(), Token: token, CA: ca.pem()}
	}
	s := &secrets{authority: ca, admin: reach(rand.Text()), wall: reach(rand.Text())}
	files := map[string][]byte{
		"ca.crt":           ca.pem(),
		"sa.key":           pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"sa.pub":           pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		"tokens.csv":       fmt.Appendf(nil, "%s,lab,lab,system:masters\n%s,%s,%s\n", s.admin.Token, s.wall.Token, wallUser, wallUser),
		"admin.token":      []byte(s.admin.Token),
		"admin.kubeconfig": kubeconfig([]access{s.admin}),
		"egress.yaml":      []byte(egressConfig(c.path("egress.sock"))),
		"kwok.yaml":        []byte(stages + "---\n" + strings.ReplaceAll(simulation, "LOGS", c.path("logs"))),
	}
	for name, hosts := range map[string][]string{"apiserver": apiServerHosts, "kubelet": {"localhost"}, frontProxy: nil} {
		if files[name+".crt"], files[name+".key"], err = ca.issue(name, hosts, c.now().Add(-time.Hour), c.now().AddDate(1, 0, 0)); err != nil {
			return nil, err
		}
	}
	for name, content := range files {
		if err := os.WriteFile(c.path(name), content, 0o600); err != nil {
			return nil, fmt.Errorf("cluster: %w", err)
		}
	}
	return s, nil
}

// apiServerHosts are what the API server's certificate is for; the clients come over the loopback network alone.
var apiServerHosts = []string{"127.0.0.1", "localhost", "kubernetes.default.svc"}

// kubeconfig has one context for each cluster; the first is the current one.
func kubeconfig(list []access) []byte {
	var clusters, users, contexts strings.Builder
	for _, a := range list {
		fmt.Fprintf(&clusters, "- name: %s\n  cluster:\n    server: https://%s\n    certificate-authority-data: %s\n", a.Cluster, a.Server,
			base64.StdEncoding.EncodeToString(a.CA))
		fmt.Fprintf(&users, "- name: %s\n  user: {token: %s}\n", a.Cluster, a.Token)
		fmt.Fprintf(&contexts, "- name: %[1]s\n  context: {cluster: %[1]s, user: %[1]s}\n", a.Cluster)
	}
	current := ""
	if len(list) > 0 {
		current = list[0].Cluster
	}
	return fmt.Appendf(nil, "apiVersion: v1\nkind: Config\nclusters:\n%susers:\n%scontexts:\n%scurrent-context: %s\n", &clusters, &users, &contexts, current)
}
