package contract

// Diagnostic tells of one record that a reader could not use as it stands.
type Diagnostic struct {
	// Path of the record's field in the file, such as "routes[3].rules[0].matches[1].path.value".
	Path string `json:"path"`
	// Object is the Kubernetes object behind it, as "kind namespace/name"; empty where there is none.
	Object string `json:"object,omitempty"`
	// Message says what is wrong, in a sentence.
	Message string `json:"message"`
}
