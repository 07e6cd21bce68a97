package model

// Filter changes a request or its answer. Exactly one field is set.
type Filter struct {
	RequestHeaders  *HeaderChange
	ResponseHeaders *HeaderChange
	Redirect        *Redirect
	Rewrite         *Rewrite
}

// HeaderChange removes, then sets, then adds headers.
type HeaderChange struct {
	Set    []Header
	Add    []Header
	Remove []string
}

// Header is a header field.
type Header struct {
	Name  string
	Value string
}

// Redirect answers with a redirect. What is empty comes from the request.
type Redirect struct {
	Scheme     string
	Hostname   string
	Path       *PathChange
	Port       int32
	StatusCode int
}

// Rewrite changes host and path on the way to the backend.
type Rewrite struct {
	Hostname string
	Path     *PathChange
}

// PathChange replaces the whole path, or the prefix that matched.
type PathChange struct {
	// PrefixOnly means that only the prefix that matched is replaced.
	PrefixOnly bool
	Value      string
}
