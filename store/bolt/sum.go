package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// sum appends a checksum of the key and the value, so that neither can change unnoticed.
func sum(key, value []byte) []byte {
	return binary.LittleEndian.AppendUint32(value, checksum(key, value))
}

// checked is the inverse of sum.
func checked(key, b []byte) ([]byte, error) {
	n := len(b) - 4
	if n < 0 || binary.LittleEndian.Uint32(b[n:]) != checksum(key, b[:n]) {
		return nil, fmt.Errorf("%w: the entry %x is missing or does not check", ErrDamaged, key)
	}
	return b[:n], nil
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}
