package trap

import (
	"errors"
	"fmt"
)

// message is the envelope of an SNMP message, as far as it must be known before the rest may be
// trusted. Offsets count from the begin of the datagram.
type message struct {
	size      int // of the whole message; what stands behind it is no part of it
	version   int // 0 for SNMPv1, 1 for SNMPv2c, 3
	community []byte
	pdu       int // offset of the PDU's tag, in versions 1 and 2c

	// Version 3: RFC 3412, section 6, and RFC 3414, section 2.4.
	id     uint32
	flags  byte
	model  int
	engine []byte
	boots  uint32
	time   uint32
	user   []byte
	mac    [2]int // begin and end of msgAuthenticationParameters
}

const (
	version1, version2c, version3 = 0, 1, 3

	flagAuth, flagPriv, flagReportable = 1, 2, 4

	modelUSM = 3

	tagInteger, tagOctets, tagSequence = 0x02, 0x04, 0x30
	tagResponse, tagTrapV1, tagInform  = 0xa2, 0xa4, 0xa6
	tagTrapV2, tagReport               = 0xa7, 0xa8
)

var errShort = errors.New("the message is cut short")

// readMessage reads the envelope.
func readMessage(b []byte) (message, error) {
	var m message
	whole := reader{b: b, end: len(b)}
	r, err := whole.enter(tagSequence)
	if err != nil {
		return m, err
	}
	m.size = r.end
	if m.version, err = r.integer(); err != nil {
		return m, err
	}
	switch m.version {
	case version1, version2c:
		if m.community, err = r.octets(); err != nil {
			return m, err
		}
		if m.pdu = r.at; r.at >= r.end {
			return m, errShort
		}
		return m, nil
	case version3:
		return m, m.readV3(&r)
	}
	return m, fmt.Errorf("it has version %d", m.version)
}

func (m *message) readV3(r *reader) error {
	header, err := r.enter(tagSequence)
	if err != nil {
		return err
	}
	id, err := header.integer()
	if err != nil {
		return err
	}
	m.id = uint32(id)
	if _, err := header.integer(); err != nil { // msgMaxSize
		return err
	}
	flags, err := header.octets()
	if err != nil {
		return err
	}
	if len(flags) != 1 {
		return fmt.Errorf("its flags have %d bytes", len(flags))
	}
	m.flags = flags[0]
	if m.model, err = header.integer(); err != nil {
		return err
	}
	if m.model != modelUSM {
		return fmt.Errorf("it has security model %d, not that of users", m.model)
	}
	wrapped, err := r.enter(tagOctets)
	if err != nil {
		return err
	}
	usm, err := wrapped.enter(tagSequence)
	if err != nil {
		return err
	}
	return m.readUSM(&usm)
}

func (m *message) readUSM(r *reader) (err error) {
	if m.engine, err = r.octets(); err != nil {
		return err
	}
	boots, err := r.integer()
	if err != nil {
		return err
	}
	at, err := r.integer()
	if err != nil {
		return err
	}
	m.boots, m.time = uint32(boots), uint32(at)
	if m.user, err = r.octets(); err != nil {
		return err
	}
	mac, err := r.enter(tagOctets)
	if err != nil {
		return err
	}
	m.mac = [2]int{mac.at, mac.end}
	_, err = r.octets() // msgPrivacyParameters
	return err
}

// reader reads BER fields of definite length, the only ones that SNMP has.
type reader struct {
	b       []byte
	at, end int
}

// enter steps over the next field and returns a reader of what is in it.
func (r *reader) enter(tag byte) (reader, error) {
	if r.end-r.at < 2 {
		return reader{}, errShort
	}
	if r.b[r.at] != tag {
		return reader{}, fmt.Errorf("byte %d is 0x%02x, want 0x%02x", r.at, r.b[r.at], tag)
	}
	size, at := int(r.b[r.at+1]), r.at+2
	if size >= 0x80 {
		n := size - 0x80
		if n == 0 || n > 4 || r.end-at < n {
			return reader{}, errShort
		}
		size = 0
		for range n {
			size = size<<8 | int(r.b[at])
			at++
		}
	}
	if size < 0 || size > r.end-at {
		return reader{}, errShort
	}
	r.at = at + size
	return reader{b: r.b, at: at, end: at + size}, nil
}

func (r *reader) octets() ([]byte, error) {
	in, err := r.enter(tagOctets)
	return in.b[in.at:in.end], err
}

// integer reads an INTEGER of at most 32 bits, and unsigned ones that are written a byte too short.
func (r *reader) integer() (int, error) {
	in, err := r.enter(tagInteger)
	if err != nil {
		return 0, err
	}
	if n := in.end - in.at; n == 0 || n > 5 {
		return 0, fmt.Errorf("a number has %d bytes", n)
	}
	v := 0
	for _, c := range in.b[in.at:in.end] {
		v = v<<8 | int(c)
	}
	return v, nil
}
