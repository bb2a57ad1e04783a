package host

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// services asks the service control manager of Windows.
type services struct{}

// serviceStates are those of a service under windows_exporter's names.
var serviceStates = map[svc.State]string{
	svc.Stopped: "stopped", svc.StartPending: "start pending", svc.StopPending: "stop pending", svc.Running: "running",
	svc.ContinuePending: "continue pending", svc.PausePending: "pause pending", svc.Paused: "paused",
}

// startModes are how services are started under windows_exporter's names.
var startModes = map[uint32]string{
	windows.SERVICE_BOOT_START: "boot", windows.SERVICE_SYSTEM_START: "system", mgr.StartAutomatic: "auto", mgr.StartManual: "manual", mgr.StartDisabled: "disabled",
}

// read tells of at most maxUnits services, those that Windows starts by itself first.
func (s *services) read(ctx context.Context) ([]metric, error) {
	// mgr.Connect asks for all rights, which only administrators have.
	h, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_ENUMERATE_SERVICE)
	if err != nil {
		return nil, fmt.Errorf("service control manager: %w", err)
	}
	m := &mgr.Mgr{Handle: h}
	defer func() { _ = m.Disconnect() }()
	names, err := m.ListServices()
	if err != nil {
		return nil, fmt.Errorf("list of services: %w", err)
	}
	slices.Sort(names)
	var auto, rest [][]metric
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("services: %w", err)
		}
		state, mode, ok := queryService(m, name)
		switch {
		case !ok: // gone, or not for us to see
		case mode == "auto":
			auto = append(auto, serviceMetrics(name, state, mode))
		default:
			rest = append(rest, serviceMetrics(name, state, mode))
		}
	}
	all := slices.Concat(auto, rest)
	return slices.Concat(all[:min(maxUnits, len(all))]...), nil
}

func queryService(m *mgr.Mgr, name string) (state, mode string, ok bool) {
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return "", "", false
	}
	h, err := windows.OpenService(m.Handle, text, windows.SERVICE_QUERY_STATUS|windows.SERVICE_QUERY_CONFIG)
	if err != nil {
		return "", "", false
	}
	service := &mgr.Service{Name: name, Handle: h}
	defer func() { _ = service.Close() }()
	status, err := service.Query()
	if err != nil {
		return "", "", false
	}
	config, err := service.Config()
	if err != nil {
		return "", "", false
	}
	return serviceStates[status.State], startModes[config.StartType], true
}

func serviceMetrics(name, state, mode string) []metric {
	name = printable(name, maxName)
	out := []metric{{"windows_service_start_mode", []string{"name", name, "start_mode", mode}, 1}}
	for _, s := range serviceStates {
		v := 0.0
		if s == state {
			v = 1
		}
		out = append(out, metric{"windows_service_state", []string{"name", name, "state", s}, v})
	}
	return out
}

// reason is always "": Windows stops services that it started by itself when they have done their work, so
// that none of it is a failure as such.
func (s *services) reason() string { return "" }
