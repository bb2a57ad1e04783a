package main

import (
	"fmt"
	"strings"
	"time"
)

func loadLabels() object { return object{loadLabel: "true"} }

func loadNodeName(n int) string { return fmt.Sprintf("load-%04d", n) }

// podsPath and podPath are where the n-th pod of the load is.
func podsPath(n int) string {
	return fmt.Sprintf("/api/v1/namespaces/"+loadSpaceName+"/pods", n/podsOfOneSet%loadSpaces)
}
func podPath(n int) string { return podsPath(n) + "/" + loadPodName(n) }

func loadPodName(n int) string {
	return fmt.Sprintf("service-%03d-6f9c7d8b5-%05d", n/podsOfOneSet, n)
}

// loadNode is a node that is Ready and has no kubelet.
func loadNode(n int, now time.Time) object {
	stamp := now.UTC().Format(time.RFC3339)
	name := loadNodeName(n)
	var conditions []object
	for _, kind := range []string{"MemoryPressure", "DiskPressure", "PIDPressure", "Ready"} {
		status, reason := "False", "KubeletHasNo"+kind
		if kind == "Ready" {
			status, reason = "True", "KubeletReady"
		}
		conditions = append(conditions, object{"type": kind, "status": status, "reason": reason, "message": "kubelet is well: " + kind,
			"lastHeartbeatTime": stamp, "lastTransitionTime": stamp})
	}
	size := object{"cpu": "64", "memory": "256Gi", "pods": "250", "ephemeral-storage": "400Gi"}
	return object{"metadata": object{"name": name, "labels": object{loadLabel: "true", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
		"kubernetes.io/arch": "amd64", "node.kubernetes.io/instance-type": "m64", "topology.kubernetes.io/region": "load",
		"topology.kubernetes.io/zone": fmt.Sprintf("load-%c", 'a'+rune(n%3))}},
		"status": object{"capacity": size, "allocatable": size, "conditions": conditions, "addresses": []object{{"type": "Hostname", "address": name}},
			"nodeInfo": object{"architecture": "amd64", "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12 (bookworm)", "kernelVersion": "6.1.0-lab",
				"kubeletVersion": kubernetesVersion, "kubeProxyVersion": kubernetesVersion, "containerRuntimeVersion": "containerd://2.2.0",
				"machineID": "", "systemUUID": "", "bootID": ""}}}
}

// loadPod is the n-th pod, with a sidecar, probes, an environment and volumes, and with a status as kubelets write it.
// With what the API server adds (managedFields, defaults) it is 11.7 kB of JSON.
func loadPod(n, nodes int, now time.Time) object {
	set := n / podsOfOneSet
	app := fmt.Sprintf("service-%03d", set)
	return object{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": object{"name": loadPodName(n), "namespace": fmt.Sprintf(loadSpaceName, set%loadSpaces),
			"labels": object{loadLabel: "true", "app.kubernetes.io/name": app, "app.kubernetes.io/instance": app, "app.kubernetes.io/part-of": "load",
				"app.kubernetes.io/version": "1.42.0", "app.kubernetes.io/managed-by": "Helm", "pod-template-hash": "6f9c7d8b5", "team": fmt.Sprintf("team-%02d", set%12)},
			"annotations": object{"prometheus.io/scrape": "true", "prometheus.io/port": "9090", "prometheus.io/path": "/metrics",
				"checksum/config": strings.Repeat("5d41402abc4b2a76", 4), "checksum/secret": strings.Repeat("7d793037a0760186", 4),
				"sidecar.lab.example/status": `{"containers":["proxy"],"volumes":["proxy-config","proxy-token"],"revision":"` + strings.Repeat("default-", 20) + `"}`},
			"ownerReferences": []object{{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": app + "-6f9c7d8b5", "controller": true, "blockOwnerDeletion": true,
				"uid": fmt.Sprintf("00000000-0000-4000-8000-%012d", set)}}},
		"spec": object{"nodeName": loadNodeName(n % nodes), "terminationGracePeriodSeconds": 30, "serviceAccountName": app,
			"containers": []object{loadContainer(app, n), loadContainer("proxy", n)}, "initContainers": []object{{"name": "init", "image": "registry.lab/load/init:1.42.0",
				"command": []string{"/bin/init", "--wait-for", "database", "--timeout", "60s"}}},
			"volumes": []object{{"name": "config", "configMap": object{"name": app + "-config"}}, {"name": "secret", "secret": object{"secretName": app + "-secret"}},
				{"name": "cache", "emptyDir": object{}}},
			"affinity": object{"podAntiAffinity": object{"preferredDuringSchedulingIgnoredDuringExecution": []object{{"weight": 100,
				"podAffinityTerm": object{"topologyKey": "kubernetes.io/hostname", "labelSelector": object{"matchLabels": object{"app.kubernetes.io/name": app}}}}}}}},
		"status": loadStatus(n, app, 0, true, now),
	}
}

// onlyStatus is a pod without what an update of its status leaves alone.
func onlyStatus(pod object) object {
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"], "status": pod["status"]}
}

func loadContainer(name string, n int) object {
	var environment []object
	for i := range 3 {
		environment = append(environment, object{"name": fmt.Sprintf("SETTING_%02d", i), "value": fmt.Sprintf("https://backend-%02d.load.svc.cluster.local:8443/v1/%05d", i, n)})
	}
	probe := object{"httpGet": object{"path": "/healthz", "port": 8080, "httpHeaders": []object{{"name": "X-Probe", "value": "kubelet"}}},
		"initialDelaySeconds": 5, "periodSeconds": 10, "timeoutSeconds": 3, "failureThreshold": 3}
	return object{"name": name, "image": "registry.lab/load/" + name + ":1.42.0@sha256:" + strings.Repeat("9f86d081", 8), "imagePullPolicy": "IfNotPresent", "env": environment,
		"ports":           []object{{"name": "http-" + name[:3], "containerPort": 8080}},
		"resources":       object{"requests": object{"cpu": "100m", "memory": "128Mi"}, "limits": object{"cpu": "1", "memory": "512Mi"}},
		"readinessProbe":  probe,
		"securityContext": object{"runAsNonRoot": true, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "capabilities": object{"drop": []string{"ALL"}}},
		"volumeMounts":    []object{{"name": "config", "mountPath": "/etc/app"}, {"name": "secret", "mountPath": "/etc/secret"}, {"name": "cache", "mountPath": "/var/cache/app"}}}
}

// loadStatus is what a kubelet says of a pod after some restarts.
func loadStatus(n int, app string, restarts int, ready bool, now time.Time) object {
	stamp := now.UTC().Format(time.RFC3339)
	status := map[bool]string{true: "True", false: "False"}
	var conditions, containers []object
	for _, kind := range []string{"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"} {
		well := ready || kind != "Ready" && kind != "ContainersReady"
		conditions = append(conditions, object{"type": kind, "status": status[well], "lastTransitionTime": stamp})
	}
	for _, name := range []string{app, "proxy"} {
		one := object{"name": name, "image": "registry.lab/load/" + name + ":1.42.0", "imageID": "registry.lab/load/" + name + "@sha256:" + strings.Repeat("9f86d081", 8),
			"containerID": fmt.Sprintf("containerd://%064d", n), "ready": ready, "started": ready, "restartCount": restarts, "state": object{"running": object{"startedAt": stamp}}}
		if restarts > 0 {
			one["lastState"] = object{"terminated": object{"exitCode": 1, "reason": "Error", "startedAt": stamp, "finishedAt": stamp, "containerID": fmt.Sprintf("containerd://%064d", n)}}
		}
		containers = append(containers, one)
	}
	ip := fmt.Sprintf("10.%d.%d.%d", 128+n>>16, n>>8&255, n&255)
	return object{"phase": "Running", "conditions": conditions, "containerStatuses": containers, "hostIP": "127.0.66.0", "podIP": ip, "podIPs": []object{{"ip": ip}},
		"startTime": stamp, "qosClass": "Burstable", "initContainerStatuses": []object{{"name": "init", "image": "registry.lab/load/init:1.42.0",
			"imageID": "registry.lab/load/init@sha256:" + strings.Repeat("9f86d081", 8), "ready": true, "restartCount": 0,
			"state": object{"terminated": object{"exitCode": 0, "reason": "Completed", "startedAt": stamp, "finishedAt": stamp}}}}}
}

// changedStatus is the status of a pod of the load after one more restart.
func changedStatus(n, restarts int, now time.Time) object {
	return object{"status": loadStatus(n, fmt.Sprintf("service-%03d", n/podsOfOneSet), restarts, restarts%2 == 0, now)}
}
