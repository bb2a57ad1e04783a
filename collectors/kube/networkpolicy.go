package kube

import networkingv1 "k8s.io/api/networking/v1"

// networkPolicyBehaviour draws nothing: a namespace counts its policies.
var networkPolicyBehaviour = behaves[networkingv1.NetworkPolicy, NetworkPolicy]((*interner).networkPolicy, nil, nil, (*sampler).networkPolicy)

// NetworkPolicy is what a namespace lets through, in numbers.
type NetworkPolicy struct {
	meta
	Ingress, Egress int  // rules
	AllPods         bool // it holds for each pod of its namespace
}

func (in *interner) networkPolicy(o *networkingv1.NetworkPolicy) *NetworkPolicy {
	s := o.Spec.PodSelector
	return &NetworkPolicy{
		meta: in.meta(&o.ObjectMeta), Ingress: len(o.Spec.Ingress), Egress: len(o.Spec.Egress),
		AllPods: len(s.MatchLabels)+len(s.MatchExpressions) == 0,
	}
}

func (s *sampler) networkPolicy(_ *view, p *NetworkPolicy) {
	s.add("kube_networkpolicy_created", unix(p.Created), "namespace", p.Namespace, "networkpolicy", p.Name)
	s.add("kube_networkpolicy_spec_ingress_rules", float64(p.Ingress), "namespace", p.Namespace, "networkpolicy", p.Name)
	s.add("kube_networkpolicy_spec_egress_rules", float64(p.Egress), "namespace", p.Namespace, "networkpolicy", p.Name)
}
