// Package docpages holds tests alone: that what the guides and samples show is what an API server takes and the
// gateway serves, and that links between pages lead somewhere.
package docpages
