package dataplane

// who is the pod as the subject of a sentence.
func (o Observation) who() string {
	if o.Name == "" {
		return "The gateway"
	}
	return "Pod " + o.Name
}

// words are what a pod said, in one line.
func (o Observation) words(text string) string {
	if o.Name == "" {
		return oneLine(text)
	}
	return o.who() + ": " + oneLine(text)
}

// notReady says that no pod is.
func notReady(pods []Observation) string {
	switch {
	case len(pods) == 0:
		return "There is no pod of the Gateway."
	case pods[0].Name == "":
		return "The gateway is not ready."
	}
	return "No pod of the Gateway is ready."
}

// Trouble is why a pod that is not ready says that varnishd does not run; empty where it does not say so.
func (o Observation) Trouble() string {
	if o.Ready || o.Leaving || o.Status == nil || o.Status.Ready {
		return ""
	}
	return oneLine(o.Status.Varnishd.LastEnd)
}
