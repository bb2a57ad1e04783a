package assets

import _ "embed"

// KubernetesHealth is the table of how custom resources say how they fare; collectors/kube reads it.
//
//go:embed kubernetes/health.yaml
var KubernetesHealth []byte

// KubernetesLandscape is the table of the projects that are recognised in clusters; collectors/kube reads it.
//
//go:embed kubernetes/landscape.yaml
var KubernetesLandscape []byte
