package activities

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Everything has its turn once before anything has it again, and no turn is larger than
// was asked for.
func TestTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]int, rapid.IntRange(1, 100).Draw(t, "all"))
		for i := range all {
			all[i] = i
		}
		size, first := rapid.IntRange(1, 120).Draw(t, "size"), rapid.IntRange(0, 1<<30).Draw(t, "first")
		var seen []int
		for pass := first; len(seen) < len(all); pass++ {
			some := turn(all, size, pass)
			if len(some) == 0 || len(some) > size {
				t.Fatalf("a turn of %d, where %d is most", len(some), size)
			}
			seen = append(seen, some...)
		}
		slices.Sort(seen)
		if !slices.Equal(seen, all) {
			t.Fatalf("%v had their turns", seen)
		}
	})
}
