package supervise

const (
	// defaultThreadPools is varnishd's own number of pools of threads.
	defaultThreadPools = 2
	// minThreads is how many threads varnishd may have at least: its own defaults, 5,000 in each of two pools.
	minThreads = 10_000
	// spareThreads are left for others where every TLS connection takes a thread.
	spareThreads = 1800
)

// threadPools is how many pools varnishd's threads are divided among, by the processors that it may use (varnishd(1),
// thread_pools). A request is given to the thread that was busy last: with one pool to two processors it is more often one
// whose memory the caches still hold. More processors would wait for each other's turn at one pool.
func (o Options) threadPools() int {
	if o.Processors == 1 || o.Processors == 2 {
		return 1
	}
	return defaultThreadPools
}

// threads is how many threads varnishd may have. Each request to a backend takes two, the client's
// and that of the fetch, and one in five is left for hits, for ghost's own answers and for health
// checks. A connection over HTTP/2 takes one as long as it is open. A thread that is not needed
// costs nothing.
func (o Options) threads() int {
	ofRequests := o.BackendRequests*2 + o.BackendRequests/2
	return max(minThreads, ofRequests, o.TLSConnections+spareThreads)
}
