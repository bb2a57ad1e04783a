package snmp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gosnmp/gosnmp"
)

// Login is one entry of a source's credentials. Secrets are references.
type Login struct {
	Name      string  `yaml:"name,omitempty"` // what the wall calls it; its number without one
	Version   Version `yaml:"version,omitempty"`
	Community string  `yaml:"community,omitempty"`
	User      string  `yaml:"user,omitempty"`
	Auth      Key     `yaml:"auth,omitempty"`
	Priv      Key     `yaml:"priv,omitempty"`
	Context   string  `yaml:"context,omitempty"`
}

// Resolve replaces the references by what they stand for. Its errors hold no secret.
func (l Login) Resolve(secret func(string) (string, error)) (Credentials, error) {
	cred := Credentials{Name: l.Name, Version: string(l.Version), User: l.User, Auth: l.Auth, Priv: l.Priv, Context: l.Context}
	for _, ref := range []struct {
		name string
		ref  string
		into *string
	}{
		{"community", l.Community, &cred.Community},
		{"auth.password", l.Auth.Password, &cred.Auth.Password},
		{"priv.password", l.Priv.Password, &cred.Priv.Password},
	} {
		if ref.ref == "" {
			continue
		}
		value, err := secret(ref.ref)
		if err != nil {
			return Credentials{}, fmt.Errorf("%s: %w", ref.name, err)
		}
		*ref.into = value
	}
	return cred, cred.Validate()
}

// logins are the credentials in the order to be tried: the single form first, if anything of it is set.
func (c *Config) logins() []Login {
	single := Login{Version: c.Version, Community: c.Community, User: c.User, Auth: c.Auth, Priv: c.Priv, Context: c.Context}
	if single != (Login{}) || len(c.Credentials) == 0 {
		return append([]Login{single}, c.Credentials...)
	}
	return c.Credentials
}

// credentials resolves the references. It is asked anew for each new session, so that a changed
// secret heals a source without a restart.
func (c *Config) credentials(secret func(string) (string, error)) ([]Credentials, error) {
	return ResolveLogins(c.logins(), secret)
}

// ResolveLogins resolves credentials that are tried in order. Those without a name are called by their
// number, from 1, unless they are the only ones.
func ResolveLogins(logins []Login, secret func(string) (string, error)) ([]Credentials, error) {
	list := make([]Credentials, 0, len(logins))
	for i, l := range logins {
		if l.Name == "" && len(logins) > 1 {
			l.Name = strconv.Itoa(i + 1)
		}
		cred, err := l.Resolve(secret)
		if err != nil && len(logins) > 1 {
			err = fmt.Errorf("credentials %.40s: %w", l.Name, err)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, cred)
	}
	return list, nil
}

// login is which of its source's credentials a device answers to.
type login struct {
	which atomic.Int32 // their number from 1; 0 while it is not known
	again time.Time    // before which a device that refused all is not asked with all again
	err   error        // why
}

const (
	// loginPause is how long a device that refused all credentials is left alone: accounts may lock.
	loginPause = 10 * time.Minute
	// loginAfter is how long a device must have been silent to be asked with all credentials anew: a
	// community that was changed is answered with silence.
	loginAfter = 10 * time.Minute
)

// failed notes how a round ended: after a refusal all credentials are tried again.
func (l *login) failed(err error) {
	var status *statusError
	if refusal(err) && !errors.As(err, &status) {
		l.which.Store(0)
	}
}

// logIn gives the device's session the credentials that the device answered to, or finds them.
func (d *device) logIn(ctx context.Context) error {
	all, err := d.credentials()
	if err != nil {
		return fmt.Errorf("%s: %w", d.target, err)
	}
	now, which := d.now(), int(d.login.which.Load())
	silentFor := time.Duration(0)
	if !d.breaker.since.IsZero() {
		silentFor = now.Sub(d.breaker.since)
	}
	switch {
	case len(all) == 1:
		which = 1
	case which > len(all) || silentFor > loginAfter:
		which = 0
	}
	if which == 0 {
		if left := d.login.again.Sub(now); d.login.err != nil && left > 0 && left <= loginPause {
			return fmt.Errorf("%w; asked again at %s", d.login.err, d.login.again.Format(time.TimeOnly))
		}
		i, err := tryEach(ctx, d.target, all, d.timing.Timeout)
		if d.login.err = err; err != nil {
			d.login.again = now
			if isSilence(err) {
				d.silent = true
				d.breaker.unanswered(now, err)
			} else if refusal(err) {
				d.login.again = now.Add(loginPause)
			}
			return err
		}
		which = i + 1
	}
	d.login.which.Store(int32(which))
	d.session.cred = all[which-1]
	return nil
}

var errNotLoggedIn = errors.New("no credentials have served yet")

// chosen returns the credentials that the device answered to.
func (d *device) chosen() (Credentials, error) {
	all, err := d.credentials()
	which := int(d.login.which.Load())
	if err == nil && (which == 0 || which > len(all)) {
		err = errNotLoggedIn
	}
	if err != nil {
		return Credentials{}, err
	}
	return all[which-1], nil
}

// tryEach asks an agent once with each of the credentials, in order, and returns the index of the first
// that it answers to. The error is a refusal if there was one, else the silence.
func tryEach(ctx context.Context, t Target, all []Credentials, timeout time.Duration) (int, error) {
	var refused, silent error
	for i, cred := range all {
		s := newSession(t, cred, Timing{Timeout: timeout})
		err := s.knock(ctx)
		s.close()
		switch {
		case err == nil:
			return i, nil
		case ctx.Err() != nil:
			return 0, fmt.Errorf("%s: %w", t, ctx.Err())
		case refusal(err) && refused == nil:
			refused = err
		case silent == nil:
			silent = err
		}
	}
	switch {
	case refused != nil && len(all) > 1:
		return 0, fmt.Errorf("none of %d credentials is accepted: %w", len(all), refused)
	case refused != nil:
		return 0, refused
	}
	return 0, silent
}

// knock asks once, and never again, whether the agent answers to the session's credentials.
func (s *session) knock(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	s.asked = time.Now()
	answer, err := s.put(ctx, 0, request{kind: gosnmp.GetRequest, oids: []OID{oidSysObjectID}})
	if err != nil {
		return s.explain(classify(ctx, err))
	}
	if answer.status != gosnmp.NoError && answer.status != gosnmp.NoSuchName {
		return s.explain(&statusError{status: answer.status, index: answer.index})
	}
	return nil
}
