package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	usualFill  = 0.42 // of a volume or disk that no fault has filled
	claimSize  = 100 << 30
	diskSize   = 200 << 30
	diskInodes = 13_107_200
)

// listedPod is what the statistics need of a pod.
type listedPod struct {
	Metadata struct {
		Name, Namespace, UID string
		CreationTimestamp    time.Time
		Annotations          map[string]string
	}
	Spec struct {
		Containers []struct{ Name string }
		Volumes    []struct {
			Name                  string
			PersistentVolumeClaim *struct{ ClaimName string }
		}
	}
	Status struct{ Phase string }
}

// summary is the answer of a kubelet's /stats/summary (k8s.io/kubelet/pkg/apis/stats/v1alpha1): usage is what the pods'
// annotations say, disks are as full as usual unless a fault has filled them.
func (k *kubelets) summary(ctx context.Context, node string) ([]byte, error) {
	var machine struct {
		Metadata struct{ CreationTimestamp time.Time }
		Status   struct{ Allocatable struct{ Memory string } }
	}
	if err := k.c.api.send(ctx, http.MethodGet, "/api/v1/nodes/"+node, asJSON, nil, &machine); err != nil {
		return nil, err
	}
	var list struct{ Items []listedPod }
	if err := k.c.api.send(ctx, http.MethodGet, "/api/v1/pods?fieldSelector=spec.nodeName="+node, asJSON, nil, &list); err != nil {
		return nil, err
	}
	now := k.c.now().UTC()
	pods := []object{}
	var cores, bytes float64
	for _, p := range list.Items {
		if p.Status.Phase != "Running" {
			continue
		}
		one, cpu, memory := k.podStats(p, now)
		pods = append(pods, one)
		cores += cpu
		bytes += memory
	}
	memory := memoryStats(now, bytes)
	memory["availableBytes"] = uint64(max(quantity(machine.Status.Allocatable.Memory)-bytes, 0))
	text, err := json.Marshal(object{
		"node": object{"nodeName": node, "startTime": machine.Metadata.CreationTimestamp, "memory": memory,
			"cpu": cpuStats(now, machine.Metadata.CreationTimestamp, cores), "fs": diskStats(now, diskSize, usualFill),
			"runtime": object{"imageFs": diskStats(now, diskSize, usualFill)}},
		"pods": pods,
	})
	if err != nil {
		return nil, fmt.Errorf("statistics of %s: %w", node, err)
	}
	return text, nil
}

func (k *kubelets) podStats(p listedPod, now time.Time) (stats object, cores, bytes float64) {
	began := p.Metadata.CreationTimestamp
	cpu, memory := 0.001, float64(1<<20) // as kube_simulation.yaml has it
	if text, ok := p.Metadata.Annotations[usageCPU]; ok {
		cpu = quantity(text)
	}
	if text, ok := p.Metadata.Annotations[usageMemory]; ok {
		memory = quantity(text)
	}
	containers := []object{}
	for _, c := range p.Spec.Containers { // the usage annotations of kwok are for each container
		containers = append(containers, object{"name": c.Name, "startTime": began, "cpu": cpuStats(now, began, cpu), "memory": memoryStats(now, memory)})
	}
	cores, bytes = cpu*float64(len(containers)), memory*float64(len(containers))
	volumes := []object{}
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claim := v.PersistentVolumeClaim.ClaimName
		disk := diskStats(now, claimSize, k.full(p.Metadata.Namespace+"/"+claim))
		disk["name"], disk["pvcRef"] = v.Name, object{"name": claim, "namespace": p.Metadata.Namespace}
		volumes = append(volumes, disk)
	}
	return object{
		"podRef":    object{"name": p.Metadata.Name, "namespace": p.Metadata.Namespace, "uid": p.Metadata.UID},
		"startTime": began, "containers": containers, "cpu": cpuStats(now, began, cores), "memory": memoryStats(now, bytes), "volume": volumes,
	}, cores, bytes
}

func cpuStats(now, began time.Time, cores float64) object {
	return object{"time": now, "usageNanoCores": uint64(cores * 1e9), "usageCoreNanoSeconds": uint64(cores * float64(max(now.Sub(began), 0)))}
}

func memoryStats(now time.Time, bytes float64) object {
	return object{"time": now, "usageBytes": uint64(bytes), "workingSetBytes": uint64(bytes), "rssBytes": uint64(bytes)}
}

func diskStats(now time.Time, size uint64, full float64) object {
	used, inodes := uint64(float64(size)*full), uint64(diskInodes*full/2)
	return object{"time": now, "capacityBytes": size, "usedBytes": used, "availableBytes": size - used,
		"inodes": diskInodes, "inodesUsed": inodes, "inodesFree": diskInodes - inodes}
}
