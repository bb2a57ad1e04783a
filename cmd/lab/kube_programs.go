package main

import (
	"fmt"
	"path/filepath"
)

// spec is the command line of one program of the control plane.
func (c *cluster) spec(name string) spec {
	p := c.plan
	config := "--kubeconfig=" + c.path("admin.kubeconfig")
	args := map[string][]string{
		"etcd": {"--data-dir", c.path("etcd"), "--unsafe-no-fsync", "--log-level", "warn",
			"--listen-client-urls", "http://" + p.etcd(), "--advertise-client-urls", "http://" + p.etcd(),
			"--listen-peer-urls", "http://" + p.etcdPeer(), "--initial-advertise-peer-urls", "http://" + p.etcdPeer(),
			"--initial-cluster", "default=http://" + p.etcdPeer()},
		"kube-apiserver": {"--etcd-servers=http://" + p.etcd(),
			"--tls-cert-file=" + c.path("apiserver.crt"), "--tls-private-key-file=" + c.path("apiserver.key"),
			"--bind-address=127.0.0.1", "--secure-port=" + p.port(16443), "--service-cluster-ip-range=10.0.0.0/16",
			"--service-account-issuer=https://lab", "--service-account-key-file=" + c.path("sa.pub"),
			"--service-account-signing-key-file=" + c.path("sa.key"), "--token-auth-file=" + c.path("tokens.csv"),
			"--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount",
			"--default-not-ready-toleration-seconds=60", "--default-unreachable-toleration-seconds=60",
			"--egress-selector-config-file=" + c.path("egress.yaml"), "--kubelet-preferred-address-types=ExternalIP",
			"--requestheader-client-ca-file=" + c.path("ca.crt"), "--requestheader-allowed-names=" + frontProxy,
			"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=" + c.path(frontProxy+".crt"), "--proxy-client-key-file=" + c.path(frontProxy+".key")},
		"kube-controller-manager": {config, "--bind-address=127.0.0.1", "--secure-port=" + p.port(10257), "--leader-elect=false",
			"--kube-api-qps=500", "--kube-api-burst=1000", "--root-ca-file=" + c.path("ca.crt"),
			"--service-account-private-key-file=" + c.path("sa.key"), "--node-monitor-period=2s",
			"--node-monitor-grace-period=" + nodeMonitorGrace.String(), "--horizontal-pod-autoscaler-sync-period=5s",
			"--horizontal-pod-autoscaler-initial-readiness-delay=0s", "--horizontal-pod-autoscaler-cpu-initialization-period=0s"},
		"kube-scheduler": {config, "--bind-address=127.0.0.1", "--secure-port=" + p.port(10259), "--leader-elect=false",
			"--kube-api-qps=500", "--kube-api-burst=1000"},
		"kwok": {config, "--v=WARN", "--config=" + c.path("kwok.yaml"), "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
			"--cidr=10.244.0.0/16", "--server-address=" + p.kwok(),
			fmt.Sprintf("--node-lease-duration-seconds=%.0f", nodeLease.Seconds())},
		"metrics-server": {config, "--authentication-kubeconfig=" + c.path("admin.kubeconfig"), "--authorization-kubeconfig=" + c.path("admin.kubeconfig"),
			"--bind-address=127.0.0.1", "--secure-port=" + p.port(metricsPort), "--cert-dir=" + c.path("metrics-server"),
			"--kubelet-insecure-tls", "--kubelet-use-node-status-port", "--kubelet-preferred-address-types=InternalIP",
			"--metric-resolution=15s", "--node-selector=" + simulated},
	}[name]
	program := name
	switch name {
	case "kube-apiserver", "kube-controller-manager", "kube-scheduler":
		program += p.Suffix
	}
	return spec{Name: p.program(name), Args: append([]string{filepath.Join(c.bin, program)}, args...)}
}
