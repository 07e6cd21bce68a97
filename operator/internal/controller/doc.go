// Package controller keeps the cluster as its Gateways and routes say.
//
// One translator turns everything that is gathered into a snapshot, and tells which objects have changed by it. Two
// reconcilers write what the snapshot says, with outputs that have nothing in common:
//
//   - the Gateway reconciler writes main.vcl, the objects that a Gateway needs, and the status of Gateways;
//   - the HTTPRoute reconciler writes routing.json with its shards, the status of routes, and how many of them are
//     attached to each listener.
//
// The statuses of GatewayClasses and of BackendTLSPolicies are written by two small ones.
package controller
