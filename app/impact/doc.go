// Package impact joins what several sources know of the same machines and services, and judges servers
// that have fallen silent. It is pure: entities and links in, links, entities and samples out. The graph
// that it judges by is that of store/impact.
package impact
