package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	const good = "0123456789abcdef+/="
	tests := []struct {
		name, yaml, content string // content of the file api.token
		want, err           string
	}{
		{"file", "wall: {listen: '127.0.0.1:9000', token: 'file:api.token'}", good + "\n", good, ""},
		{"not listening", "wall: {token: 'file:nowhere'}", good, "", ""},
		{"no file", "wall:\n  listen: localhost:9000\n  token: file:nowhere\n", good, "", "n.yaml:3:10: wall.token: secret file:"},
		{"literal", "wall: {listen: '127.0.0.1:9000', token: hunter2-hunter2-hunter2}", good, "", "n.yaml:1:41: wall.token: secrets are not written into the configuration"},
		{"short", "wall: {listen: '127.0.0.1:9000', token: 'file:api.token'}", "hunter2", "", "it has 7 characters, at least 16 are wanted: make one"},
		{"empty", "wall: {listen: '127.0.0.1:9000', token: 'file:api.token'}", "\n", "", "it has 0 characters"},
		{"two lines", "wall: {listen: '127.0.0.1:9000', token: 'file:api.token'}", good + "\n" + good, "", "holds spaces, line breaks"},
		{"Korean", "wall: {listen: '127.0.0.1:9000', token: 'file:api.token'}", "비밀번호입니다비밀번호입니다", "", "beyond ASCII"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "api.token"), []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := Parse("n.yaml", []byte(tt.yaml), dir)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Token()
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q, %v; want %q, %q", got, err, tt.want, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the error repeats the secret")
			}
		})
	}
}
