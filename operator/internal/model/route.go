package model

import "time"

// Route is one HTTPRoute as one Gateway serves it.
type Route struct {
	Namespace string
	Name      string
	UID       string
	// Created breaks ties between routes: the older one goes first.
	Created time.Time
	// Attachments in the order of the Gateway's listeners.
	Attachments []Attachment
	// Rules that have at least one match, in the order of the HTTPRoute.
	Rules []Rule
}

// Attachment says at which listener a route serves.
type Attachment struct {
	Listener string
	// Hostnames of the route that intersect with the listener's; empty means every host of the listener.
	Hostnames []string
}

// Rule serves the requests that fit any of its matches.
type Rule struct {
	// ID outlives reloads and reordering of rules.
	ID string
	// Index is the rule's place in the HTTPRoute.
	Index   int
	Matches []Match
	Filters []Filter
	// Backends to choose from by weight.
	Backends []Backend
	// Invalid says why every request of this rule is answered 500; empty where it is sound.
	Invalid string
}

// Match holds conditions of which every one must hold.
type Match struct {
	// Index is the match's place in its rule.
	Index int
	Path  PathMatch
	// Method is empty where every method fits.
	Method      string
	Headers     []ValueMatch
	QueryParams []ValueMatch
}

// PathKind says how a path is compared.
type PathKind int

// Ways to compare a path, in the order of precedence.
const (
	PathExact PathKind = iota
	PathPrefix
	PathRegex
)

// PathMatch is a condition on the path.
type PathMatch struct {
	Kind  PathKind
	Value string
}

// ValueMatch is a condition on a header or a query parameter.
type ValueMatch struct {
	Name  string
	Value string
	// Regex means that Value is a regular expression that must fit the whole value.
	Regex bool
}

// Backend is one backendRef of a rule.
type Backend struct {
	// Service that takes the requests; meaningless where Invalid is set.
	Service ServiceID
	Weight  int32
	Filters []Filter
	// Invalid is the reason why this backend's share is answered 500; empty where it is sound.
	Invalid string
}
