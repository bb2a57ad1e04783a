package snmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"
)

// usmRefusals are the Reports of RFC 3414 and RFC 3412 by what to do about them; %q is the user.
var usmRefusals = []struct {
	object string // the counter that the Report shows
	err    error
	what   string
}{
	{".1.3.6.1.6.3.15.1.1.3.0", gosnmp.ErrUnknownUsername, "it knows no user %q (check user)"},
	{".1.3.6.1.6.3.15.1.1.5.0", gosnmp.ErrWrongDigest, "wrong digest (check auth.protocol and auth.password of user %q)"},
	{".1.3.6.1.6.3.15.1.1.6.0", gosnmp.ErrDecryption, "it cannot decrypt (check priv.protocol and priv.password of user %q)"},
	{".1.3.6.1.6.3.15.1.1.1.0", gosnmp.ErrUnknownSecurityLevel, "it does not allow this security level to user %q (set or remove auth and priv)"},
	{".1.3.6.1.6.3.15.1.1.2.0", gosnmp.ErrNotInTimeWindow, "its clock or boot count contradicts what it said before to user %q (it is tried anew in the next round; if this stays, its boot count is not kept over restarts)"},
	{".1.3.6.1.6.3.15.1.1.4.0", gosnmp.ErrUnknownEngineID, "it changed its engine ID under user %q (it is tried anew in the next round)"},
	{".1.3.6.1.6.3.11.2.1.1.0", gosnmp.ErrUnknownSecurityModels, "it does not speak SNMPv3 with users, as %q is one (set version: 2c, or allow USM on it)"},
}

// errKey stands for an answer that is not signed with our key and is no Report either.
var errKey = errors.New("the answer is not signed with our key")

// errMute stands for an agent that answered the discovery and then fell silent: that is how many
// refuse a wrong priv password, whose requests they cannot read.
var errMute = errors.New("it answers the discovery, but no request")

// notAuthentic are gosnmp's words for both, the only sign of them that it gives.
const notAuthentic = "incoming packet is not authentic"

// errReport stands for a Report that no list knows.
var errReport = errors.New("the agent answered with a Report that is not known")

// reportError returns what the Report of an agent says.
func reportError(p *gosnmp.SnmpPacket) error {
	for _, r := range usmRefusals {
		if len(p.Variables) == 1 && p.Variables[0].Name == r.object {
			return r.err
		}
	}
	return errReport
}

// unsignedReport reads a datagram that gosnmp found not to be authentic, and returns what the
// Report in it says, errKey if it is none. Everybody can send such a Report: it chooses the words
// for a refusal, or leads to a new discovery, and nothing else.
func unsignedReport(datagram []byte) (err error) {
	defer func() {
		if recover() != nil { // gosnmp's decoder, on foreign bytes
			err = errKey
		}
	}()
	codec := gosnmp.GoSNMP{Version: gosnmp.Version2c} // any version reads all versions
	packet, err := codec.SnmpDecodePacket(slices.Clone(datagram))
	if err != nil || packet.PDUType != gosnmp.Report {
		return errKey
	}
	if err := reportError(packet); !errors.Is(err, errReport) {
		return err
	}
	return errKey
}

// lostEngine reports whether an agent says that our word on its engine is out of date: then it is
// to be discovered anew, at once.
func lostEngine(err error) bool {
	return errors.Is(err, gosnmp.ErrNotInTimeWindow) || errors.Is(err, gosnmp.ErrUnknownEngineID)
}

// refusal reports whether an agent is there but does not want to talk to us.
func refusal(err error) bool {
	for _, r := range usmRefusals {
		if errors.Is(err, r.err) {
			return true
		}
	}
	var refused *statusError
	return errors.As(err, &refused) || errors.Is(err, errKey) || errors.Is(err, errMute)
}

// garbled reports whether an answer came that could not be decoded, or not be trusted.
func garbled(err error) bool {
	var network net.Error
	return err != nil && (!refusal(err) || errors.Is(err, errKey)) && !errors.As(err, &network) && !timedOut(err)
}

func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, gosnmp.ErrMaxRetriesExceeded)
}

// classify turns gosnmp's errors into errTimeout and lasting ones.
func classify(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return ctx.Err()
	case timedOut(err):
		return errTimeout
	}
	return err
}

// explain turns an error into a sentence that names the device and says what to do.
func (s *session) explain(err error) error {
	for _, r := range usmRefusals {
		if errors.Is(err, r.err) {
			return fmt.Errorf("authentication refused by %s: "+r.what+": %w", s.name, s.cred.User, err)
		}
	}
	var refused *statusError
	var network *net.OpError
	text, _, _ := strings.Cut(err.Error(), " Stack:") // gosnmp reports its own panics with the stack
	switch {
	case errors.Is(err, errKey):
		return fmt.Errorf("authentication refused by %s: it does not accept user %q with this key (check user, auth.protocol and auth.password): %w", s.name, s.cred.User, err)
	case errors.Is(err, errSocket):
		return err
	case errors.Is(err, errTimeout) && s.mute():
		return fmt.Errorf("authentication refused by %s: %w (check priv.protocol and priv.password of user %q: a wrong key is answered with silence)", s.name, errMute, s.cred.User)
	case errors.Is(err, errTimeout):
		waited := time.Since(s.asked).Round(100 * time.Millisecond)
		hint := "is snmpd running, is the community right? a wrong community is answered with silence"
		if s.cred.Version == "3" {
			hint = "is snmpd running, is UDP port " + strconv.Itoa(int(s.target.Port)) + " open?"
		}
		return fmt.Errorf("no answer from %s in %s (%s)%w", s.where(), waited, hint, silent{errTimeout})
	case errors.As(err, &refused):
		return fmt.Errorf("access refused by %s: %w (check the agent's view, and in version 3 the security level of the user)", s.where(), err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", s.where(), err)
	case errors.As(err, &network):
		return fmt.Errorf("%s cannot be reached: %w (check the route and the firewall)", s.where(), err)
	}
	return fmt.Errorf("%s does not answer in proper SNMP: %.200s (is another service on that port?)", s.where(), text)
}

// mute reports whether the agent answered the discovery of this session and nothing since.
func (s *session) mute() bool {
	if s.client == nil || s.answered {
		return false
	}
	usm, ok := s.client.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	return ok && usm.AuthoritativeEngineID != ""
}

// where names the device and its address.
func (s *session) where() string {
	if addr := s.target.String(); s.name != addr {
		return s.name + " (" + addr + ")"
	}
	return s.target.String()
}

// refusedByTrap is the silence of an agent that at the same time tells by a trap that it refused somebody.
// Versions 1 and 2c have no other word for a wrong community.
type refusedByTrap struct {
	name string
	error
}

func (r refusedByTrap) Error() string {
	return "authentication refused by " + r.name + ": it does not answer, and reports an authentication failure by trap (check the community, and whether its access list has this host)"
}

func (r refusedByTrap) Unwrap() error { return r.error }

// silent keeps an error in the chain without repeating its words.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }
