package probe

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxURLFile = 4 << 20 // bytes
	maxURLs    = 10_000
)

// readURLs reads a file with one URL a line. Behind the URL may stand what it is to be called; without a
// scheme it is https. Empty lines and those that begin with # are left out.
func readURLs(path string) ([]TargetConfig, error) {
	data, err := readBounded(path, maxURLFile)
	if err != nil {
		return nil, fmt.Errorf("urls: %w", err)
	}
	list, err := parseURLs(data)
	if err != nil {
		return nil, fmt.Errorf("urls: %s%w", path, err)
	}
	return list, nil
}

func parseURLs(data []byte) ([]TargetConfig, error) {
	if !utf8.Valid(data) {
		return nil, failed(": want text in UTF-8")
	}
	var list []TargetConfig
	for i, line := range strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		address, name := line, ""
		if at := strings.IndexAny(line, " \t"); at >= 0 {
			address, name = line[:at], words(line[at:])
		}
		if !strings.Contains(address, "://") {
			address = "https://" + address
		}
		if _, err := (&HTTPConfig{}).check(address, nil); err != nil {
			return nil, fmt.Errorf(":%d: %w", i+1, err)
		}
		if len(list) == maxURLs {
			return nil, fmt.Errorf(":%d: more than %d URLs", i+1, maxURLs)
		}
		list = append(list, TargetConfig{HTTP: address, Name: name})
	}
	if len(list) == 0 {
		return nil, failed(": no URL in it")
	}
	return list, nil
}
