// Package invalidation carries invalidations of cached objects to the pods of Gateways: which order
// a pod is given, which Gateways and pods may have such objects, asking them until they have
// carried it out, and what is said of it then.
//
// It keeps nothing of its own between two invalidations, so that every replica of the operator can
// carry one out.
package invalidation
