package panels

// Catalog lists the kinds of panels. A new kind is one file and one line here.
func Catalog() []Kind {
	return []Kind{
		timeseriesKind(),
		statKind(),
		topnKind(),
		honeycombKind(),
		tableKind(),
		eventsKind(),
		alertsKind(),
		clustersKind(),
		servicesKind(),
		kubemapKind(),
		workloadsKind(),
		landscapeKind(),
		topologyKind(),
		impactKind(),
		factsKind(),
		documentKind(),
		logsKind(),
		clockKind(),
		textKind(),
	}
}
