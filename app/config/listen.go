package config

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// minTokenBytes is the least that a token has: nobody guesses 16 random characters.
const minTokenBytes = 16

// howToToken is what to do where no token is, or a bad one.
const howToToken = "make one beside this file with: (umask 077; openssl rand -hex 24 > api.token), and write token: file:api.token"

// listen checks wall.listen and wall.token. Without a token nothing listens: other users of the machine,
// and whatever runs in their browsers, reach its loopback address too.
func (r *reader) listen(raw Raw, w *Wall) {
	if w.Listen == "" {
		return
	}
	err := checkListen(w.Listen)
	if err == nil && w.Token == "" {
		err = errors.New("the API is served with a token only, and wall.token is missing: " + howToToken)
	}
	if err != nil {
		r.fail(raw.at("listen"), "wall.listen: %v", err)
		w.Listen = ""
	}
	r.c.token = raw.at("token")
}

// checkListen holds the API to this machine.
func checkListen(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port", shorten(addr))
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("the API has no encryption and is served to this machine only: " +
			"write 127.0.0.1:PORT, and put a reverse proxy with TLS before it for others")
	}
	return nil
}

// Token is the secret that clients of wall.listen show, "" when nothing listens. Its error has file
// and line, and never the secret.
func (c *Config) Token() (string, error) {
	if c.Wall.Listen == "" {
		return "", nil
	}
	token, err := c.Secret(c.Wall.Token)
	if err == nil {
		err = checkToken(token)
	}
	if err != nil {
		return "", c.token.Locate(fmt.Errorf("wall.token: %w", err))
	}
	return token, nil
}

// checkToken takes what can stand in a header (RFC 6750, b64token, and a little more).
func checkToken(token string) error {
	if len(token) < minTokenBytes {
		return fmt.Errorf("it has %d characters, at least %d are wanted: %s", len(token), minTokenBytes, howToToken)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("it holds spaces, line breaks or characters beyond ASCII, which no HTTP header takes: " + howToToken)
	}
	return nil
}
