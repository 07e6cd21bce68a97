// Package decision says what becomes of a request, and why: which listener, route, rule and match it gets, which
// backends it may go to and what they would be sent, or what answer the gateway gives by itself.
//
// It is the reference for ghost's router: a plain walk over every record in the order of the specification, with
// no index and no shortcut, slow and easy to check. shared/corpus/README.md states the same rules in words;
// the corpus' decisions hold this package and ghost to them.
package decision
