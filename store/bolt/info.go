package bolt

import (
	"encoding/binary"
	"fmt"
)

func encodeInfo(i WindowInfo) []byte {
	b := binary.AppendVarint(nil, i.MinT)
	b = binary.AppendVarint(b, i.MaxT)
	for _, n := range []int{i.Series, i.Samples, i.Bytes} {
		b = binary.AppendVarint(b, int64(n))
	}
	return append(b, i.Index...)
}

func decodeInfo(key, b []byte) (WindowInfo, error) {
	var fields [5]int64
	for i := range fields {
		v, n := binary.Varint(b)
		if n <= 0 || len(key) != 8 {
			return WindowInfo{}, fmt.Errorf("%w: the entry of window %x is cut short", ErrDamaged, key)
		}
		fields[i], b = v, b[n:]
	}
	return WindowInfo{
		Start: int64(binary.BigEndian.Uint64(key)), MinT: fields[0], MaxT: fields[1],
		Series: int(fields[2]), Samples: int(fields[3]), Bytes: int(fields[4]), Index: string(b),
	}, nil
}
