package assets

import "embed"

// Scrape is the table of exporters, scrape/*.yaml, one file for each; collectors/scrape reads it.
//
//go:embed scrape/*.yaml
var Scrape embed.FS
