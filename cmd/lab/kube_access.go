package main

import "slices"

// The roles of the wallboard: what it needs, and two things that its owner may refuse.
const (
	wallRole        = "nocturne"
	secretsRole     = "nocturne-tls-secrets"
	kubeletsRole    = "nocturne-kubelet-stats"
	withdrawnOne    = "services" // what fault rbac-withdrawn takes away
	remainingSpace  = "shop"     // what fault rbac-namespace leaves
	rbac            = "rbac.authorization.k8s.io"
	rbacVersion     = rbac + "/v1"
	resourceOfRoles = "clusterrolebinding"
)

// readable are the resources that the wallboard reads, by API group.
var readable = []struct {
	Group     string
	Resources []string
}{
	{"", []string{"nodes", "namespaces", "pods", "services", "events", "persistentvolumeclaims", "persistentvolumes", "resourcequotas", "replicationcontrollers"}},
	{"apps", []string{"deployments", "replicasets", "statefulsets", "daemonsets"}},
	{"batch", []string{"jobs", "cronjobs"}},
	{"autoscaling", []string{"horizontalpodautoscalers"}},
	{"policy", []string{"poddisruptionbudgets"}},
	{"networking.k8s.io", []string{"ingresses", "networkpolicies"}},
	{"discovery.k8s.io", []string{"endpointslices"}},
	{"storage.k8s.io", []string{"storageclasses"}},
	{"apiextensions.k8s.io", []string{"customresourcedefinitions"}},
	{"apiregistration.k8s.io", []string{"apiservices"}},
	{"metrics.k8s.io", []string{"nodes", "pods"}},
	{"cert-manager.io", []string{"certificates"}},
	{"lab.example", []string{"databases"}},
}

// readRole is the role of the wallboard without some resources.
func readRole(without ...string) object {
	var rules []object
	for _, r := range readable {
		resources := slices.DeleteFunc(slices.Clone(r.Resources), func(name string) bool { return slices.Contains(without, name) })
		if len(resources) > 0 {
			rules = append(rules, rule(r.Group, []string{"get", "list", "watch"}, resources...))
		}
	}
	return role(wallRole, append(rules, rule("", []string{"get"}, "pods/log"))...)
}

func rule(group string, verbs []string, resources ...string) object {
	return object{"apiGroups": []string{group}, "resources": resources, "verbs": verbs}
}

func role(name string, rules ...object) object {
	return object{"apiVersion": rbacVersion, "kind": "ClusterRole", "metadata": object{"name": name}, "rules": rules}
}

func binding(name string) object {
	return object{"apiVersion": rbacVersion, "kind": "ClusterRoleBinding", "metadata": object{"name": name}, "roleRef": roleRef(name), "subjects": wallSubjects()}
}

func roleRef(name string) object {
	return object{"apiGroup": rbac, "kind": "ClusterRole", "name": name}
}

func wallSubjects() []object {
	return []object{{"apiGroup": rbac, "kind": "User", "name": wallUser}}
}

// wallAccess is what the wallboard's user may do: read, and no more.
func wallAccess() []object {
	return []object{
		readRole(), binding(wallRole),
		role(secretsRole, rule("", []string{"get", "list", "watch"}, "secrets")), binding(secretsRole),
		role(kubeletsRole, rule("", []string{"get"}, "nodes/proxy", "nodes/stats")), binding(kubeletsRole),
	}
}
