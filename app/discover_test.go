package app

import (
	"strings"
	"testing"
)

func TestSNMPFlags(t *testing.T) {
	t.Setenv("NOCTURNE_TEST_AUTH", "long-enough")
	tests := []struct {
		name  string
		flags SNMPFlags
		err   string
	}{
		{"defaults", SNMPFlags{}, ""},
		{"a user means version 3", SNMPFlags{User: "noc", Auth: "SHA:env:NOCTURNE_TEST_AUTH", Priv: "AES:also-long-enough"}, ""},
		{"secret not set", SNMPFlags{Community: "env:NOCTURNE_TEST_NONE"}, "is not set"},
		{"no protocol", SNMPFlags{User: "noc", Auth: "secret"}, "--auth: write PROTOCOL:SECRET"},
		{"unknown protocol", SNMPFlags{User: "noc", Auth: "ROT13:long-enough"}, `"ROT13" is unknown`},
		{"short secret", SNMPFlags{User: "noc", Auth: "SHA:short"}, "shorter than"},
		{"user with version 2c", SNMPFlags{Version: "2c", User: "noc"}, "version 3"},
	}
	for _, tt := range tests {
		o, err := tt.flags.options()
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.flags.User != "" && tt.err == "" && (o.Credentials.Version != "3" || o.Credentials.Auth.Password != "long-enough") {
			t.Errorf("%s: %+v", tt.name, o.Credentials)
		}
	}
}
