// Package gatewaypod names what the operator and the pods of a Gateway agree on beside their files: the
// objects that a pod reads and the keys in them, where they are mounted, and the ports that chaperone serves.
// docs/reference/chaperone.md is the page of this contract.
package gatewaypod
