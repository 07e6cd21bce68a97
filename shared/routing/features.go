package routing

// known are the features that this build understands beyond the baseline of 1.0, which needs none. A minor
// version that adds something which an older reader must not ignore adds its name here.
var known = map[Feature]bool{}

// Unknown are those of a record's needs that this build does not understand, in their order. A record with
// any answers 500.
func Unknown(needs []Feature) []Feature {
	var unknown []Feature
	for _, feature := range needs {
		if !known[feature] {
			unknown = append(unknown, feature)
		}
	}
	return unknown
}
