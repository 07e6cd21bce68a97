package supervise

const (
	// threadPools is how many pools of threads varnishd has (its default of thread_pools).
	threadPools = 2
	// minThreads is how many threads varnishd may have at least: its default of thread_pool_max in
	// each pool.
	minThreads = 10_000
	// spareThreads are left for others where every TLS connection takes a thread.
	spareThreads = 1800
)

// threads is how many threads varnishd may have. Each request to a backend takes two, the client's
// and that of the fetch, and one in five is left for hits, for ghost's own answers and for health
// checks. A connection over HTTP/2 takes one as long as it is open. A thread that is not needed
// costs nothing.
func (o Options) threads() int {
	ofRequests := o.BackendRequests*2 + o.BackendRequests/2
	// An even number, so that it can be divided among the pools.
	return (max(minThreads, ofRequests, o.TLSConnections+spareThreads) + 1) / 2 * 2
}
