// Package adminapi holds the types of chaperone's admin API, for the pod that answers and for the operator that asks.
// docs/reference/admin-api.md is the page of this contract.
//
// Within a major version, members, values and calls are added, and none is removed or changed. A reader ignores members
// that it does not know, and takes one that is absent as its zero value.
package adminapi
