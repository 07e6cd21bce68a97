// Package controller keeps the cluster as its Gateways and routes say.
//
// One translator turns everything that is gathered into a snapshot, and tells which objects have changed by it. Two
// reconcilers write what the snapshot says, with outputs that have nothing in common:
//
//   - the Gateway reconciler writes main.vcl, the objects that a Gateway needs, and the status of Gateways;
//   - the routing reconciler writes routing.json with its shards, and how many routes are attached to each listener.
//
// The statuses of GatewayClasses are written by a small one, and so are those of each kind that is
// attached to others (inputs.Kinds: routes and policies). Each reconciler has a queue of its own, so
// nothing waits for the statuses of thousands of routes.
//
// Apart from all that, VarnishCacheInvalidations are carried to the pods, which nothing is translated for.
package controller
