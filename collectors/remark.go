package collectors

import (
	"errors"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Remark is an error that does not make a round fail: its data is good as far as it goes, and the
// source's row says what is missing. State is OK for what is merely worth knowing ("no metrics,
// requests shown") and Warning for what an operator should mend ("no permission to list events").
type Remark struct {
	State model.State
	Text  string
}

func (r Remark) Error() string { return r.Text }

// remark returns the remark that err is. An error that joins a remark with a failure is a failure:
// only the outermost chain is looked at.
func remark(err error) (Remark, bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		if r, ok := err.(Remark); ok {
			return r, true
		}
	}
	return Remark{}, false
}
