package host

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"

	gopshost "github.com/shirou/gopsutil/v4/host"
)

// maxUsers bounds the series of who is logged in.
const maxUsers = 20

// others stands for what is beyond a bound.
const others = "(others)"

// readUsers reads who is logged in, where the system keeps books of that. It may start loginctl: its part
// is paced.
func readUsers(ctx context.Context) ([]metric, error) {
	users, err := gopshost.UsersWithContext(ctx)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	names := make([]string, len(users))
	for i := range users {
		names[i] = users[i].User
	}
	return userMetrics(names), nil
}

// userMetrics counts sessions by name, those of most sessions first.
func userMetrics(names []string) []metric {
	sessions := map[string]int{}
	for _, name := range names {
		sessions[printable(name, maxName)]++
	}
	list := slices.SortedFunc(maps.Keys(sessions), func(a, b string) int {
		return cmp.Or(cmp.Compare(sessions[b], sessions[a]), cmp.Compare(a, b))
	})
	var out []metric
	rest := 0
	for i, name := range list {
		if i >= maxUsers {
			rest += sessions[name]
			continue
		}
		out = append(out, metric{"nocturne_users", []string{"user", name}, float64(sessions[name])})
	}
	if rest > 0 {
		out = append(out, metric{"nocturne_users", []string{"user", others}, float64(rest)})
	}
	return out
}
