package impact

// Reach marks which vertices of a graph can be reached from one of the roots without passing a dead vertex.
// edges lists where each vertex leads to; dead may be nil.
func Reach(edges [][]int, roots []int, dead func(int) bool) []bool {
	seen := make([]bool, len(edges))
	var queue []int
	visit := func(i int) {
		if !seen[i] && (dead == nil || !dead(i)) {
			seen[i] = true
			queue = append(queue, i)
		}
	}
	for _, i := range roots {
		visit(i)
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, j := range edges[i] {
			visit(j)
		}
	}
	return seen
}

// CutOff lists the vertices that can be reached from a root only through dead ones, in ascending order. The
// dead themselves, and what cannot be reached at all, are not among them.
func CutOff(edges [][]int, roots []int, dead func(int) bool) []int {
	var out []int
	before, after := Reach(edges, roots, nil), Reach(edges, roots, dead)
	for i := range edges {
		if before[i] && !after[i] && !dead(i) {
			out = append(out, i)
		}
	}
	return out
}

// distances are the steps from the nearest root, -1 where there is no way.
func distances(edges [][]int, roots []int) []int {
	out := make([]int, len(edges))
	for i := range out {
		out[i] = -1
	}
	var queue []int
	for _, i := range roots {
		if out[i] < 0 {
			out[i] = 0
			queue = append(queue, i)
		}
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, j := range edges[i] {
			if out[j] < 0 {
				out[j] = out[i] + 1
				queue = append(queue, j)
			}
		}
	}
	return out
}

// middle finds the vertices that hold a graph together: round after round the ends are taken off, and of
// what is left, a centre or rings, those with the most neighbours stay. Each connected part has its own.
func middle(edges [][]int) []int {
	degree := make([]int, len(edges))
	left := make([]bool, len(edges))
	for i := range edges {
		degree[i], left[i] = len(edges[i]), len(edges[i]) > 0
	}
	for {
		var ends []int
		for i := range edges {
			if left[i] && degree[i] <= 1 {
				ends = append(ends, i)
			}
		}
		var off []int
		for _, i := range ends { // two ends that hold only each other, and a last one, are the centre
			inner := false
			for _, j := range edges[i] {
				inner = inner || left[j] && degree[j] > 1
			}
			if inner {
				off = append(off, i)
			}
		}
		if len(off) == 0 {
			break
		}
		for _, i := range off {
			left[i] = false
			for _, j := range edges[i] {
				degree[j]--
			}
		}
	}
	var out []int
	seen := make([]bool, len(edges))
	for i := range edges {
		if seen[i] || len(edges[i]) == 0 {
			continue
		}
		part, most := Reach(edges, []int{i}, nil), 0
		for j := range part {
			if part[j] {
				seen[j] = true
				if left[j] {
					most = max(most, len(edges[j]))
				}
			}
		}
		for j := range part {
			if part[j] && left[j] && len(edges[j]) == most {
				out = append(out, j)
			}
		}
	}
	return out
}
