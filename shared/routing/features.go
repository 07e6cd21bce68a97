package routing

// Features are what a reader carries out beyond the baseline of version 1.0, by the names that records use
// in their Needs. The library cannot know them: what a reader can do is in the reader's own code. The
// baseline needs no feature, so the empty value is a reader of 1.0.
type Features map[Feature]bool

// NewFeatures makes a set.
func NewFeatures(features ...Feature) Features {
	set := make(Features, len(features))
	for _, feature := range features {
		set[feature] = true
	}
	return set
}
