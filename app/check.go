package app

import (
	"time"

	"github.com/nocturne-noc/nocturne/app/alert"
	"github.com/nocturne-noc/nocturne/app/config"
)

// CheckConfig lists all that is wrong with a configuration file, what only the kinds of sources and
// panels and the rule files themselves can say included. It makes no network traffic.
func CheckConfig(path string) []error {
	cfg, err := config.Load(path)
	var errs []error
	add := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	add(err)
	for _, s := range cfg.Sources {
		_, err := openSource(cfg, s, nil, time.Now)
		add(err)
	}
	for _, b := range Boards(cfg.Boards) {
		for _, p := range b.Panels {
			add(p.Broken)
		}
	}
	for _, f := range cfg.Rules {
		_, err := alert.CheckFile(f)
		add(err)
	}
	return errs
}

// CheckRules lists all that is wrong with a Prometheus rule file.
func CheckRules(path string) []error {
	if _, err := alert.CheckFile(path); err != nil {
		return []error{err}
	}
	return nil
}
