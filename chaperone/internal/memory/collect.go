package memory

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much garbage is made between two collections.
const (
	// gcPercent is less than Go's default: chaperone makes little garbage and its connections keep much, of which otherwise
	// as much again would be in use.
	gcPercent = 50
	// minGarbage keeps a small heap from being collected all the time: a connection with one request makes 43 KB of
	// garbage, and with the percentage alone there was a collection for each 38 of them.
	minGarbage = 16 << 20
	// maxPercent makes as much of the least heap that Go collects, which is 4 MiB for 100 percent.
	maxPercent = 400
)

// CollectSparingly sets when Go collects garbage, now and after each collection.
func CollectSparingly() { tune(0) }

// tune sets the percentage where it is not yet this one, and again soon after each collection: the cleanup of an object that
// nothing refers to makes the next one.
func tune(set int) {
	percent := percentFor(live())
	if percent != set {
		debug.SetGCPercent(percent)
	}
	type sentinel struct{ _ *byte }
	runtime.AddCleanup(&sentinel{}, tune, percent)
}

// percentFor is the percentage for what was in use after the last collection. It is rounded, since setting it stops the
// program for a moment.
func percentFor(live uint64) int {
	percent := min(minGarbage*100/max(live, 1), maxPercent)
	return max(gcPercent, int(percent)/gcPercent*gcPercent)
}

func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
