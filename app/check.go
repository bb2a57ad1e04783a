package app

import (
	"errors"
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
		_, err := openSource(cfg, s, nil, nil, time.Now)
		add(err)
	}
	boards := cfg.Boards
	for _, page := range cfg.Pages {
		sheets, err := page.Sheets(page.Example())
		add(err)
		for _, s := range sheets {
			boards = append(boards, s.Board)
		}
	}
	for _, b := range Boards(boards) {
		for _, p := range b.Panels {
			add(p.Broken)
		}
	}
	add(notSent(cfg))
	_, err = cfg.Token()
	add(err)
	for _, f := range cfg.Rules {
		_, err := alert.CheckFile(f)
		add(err)
	}
	return errs
}

// notSent says that nobody is notified, so that nobody relies on it.
func notSent(cfg *config.Config) error {
	if len(cfg.Notify) == 0 {
		return nil
	}
	return cfg.Notify[0].Locate(errors.New("notifications are not sent by this version: alerts are on the wall and in nocturne alerts only"))
}

// CheckRules lists all that is wrong with a Prometheus rule file.
func CheckRules(path string) []error {
	if _, err := alert.CheckFile(path); err != nil {
		return []error{err}
	}
	return nil
}
