package programming

import "time"

// GrantWithin is how long what is published waits until pods may read what it refers to. API servers answer within that; one that does
// not must not hold up everything else.
const GrantWithin = 10 * time.Second

// access is what is known of the namespaces whose EndpointSlices the pods of a Gateway may read.
type access struct {
	// settled are those to which access was granted, or is refused; nil before anything was attempted.
	settled map[string]bool
	// waits is since when what is published has been waiting for others.
	waits map[string]time.Time
}

// AccessSettled says that access to these namespaces was granted, or is refused until somebody does something about it; and that this
// holds of no others. It tells whether that is news to what waits for it.
func (g *Gateway) AccessSettled(namespaces []string) (news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.access.settled
	g.access.settled = make(map[string]bool, len(namespaces))
	for _, namespace := range namespaces {
		g.access.settled[namespace] = true
		news = news || !before[namespace]
	}
	return news
}

// AccessWithdrawn says that access to all namespaces but these is about to be taken away.
func (g *Gateway) AccessWithdrawn(but []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.access.settled == nil {
		return
	}
	kept := make(map[string]bool, len(but))
	for _, namespace := range but {
		if g.access.settled[namespace] {
			kept[namespace] = true
		}
	}
	g.access.settled = kept
}

// AwaitsAccess tells for how long what refers to these namespaces is not to be published yet, unless access to them is settled before;
// zero where it may be published. Before anything was attempted, which is so after a restart, granted tells of access that there is.
func (g *Gateway) AwaitsAccess(namespaces []string, granted func(namespace string) (bool, error)) (time.Duration, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waits := map[string]time.Time{}
	var longest time.Duration
	for _, namespace := range namespaces {
		there := g.access.settled[namespace]
		if g.access.settled == nil {
			var err error
			if there, err = granted(namespace); err != nil {
				return 0, err
			}
		}
		if there {
			continue
		}
		since, waited := g.access.waits[namespace]
		if !waited {
			since = time.Now()
		}
		waits[namespace] = since
		longest = max(longest, GrantWithin-time.Since(since))
	}
	g.access.waits = waits
	return longest, nil
}
