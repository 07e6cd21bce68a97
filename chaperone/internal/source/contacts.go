package source

import (
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
)

// Contacts know when the API server has last said something of each place that is watched. A watch that is well hears of the API
// server every minute, though nothing changes: it asks for bookmarks. It is safe for concurrent use.
type Contacts struct {
	now func() time.Time

	mu      sync.Mutex
	last    map[string]time.Time
	failing map[string]failure
}

// failure is since when requests of a place fail, and how the last one did.
type failure struct {
	since time.Time
	why   string
}

// NewContacts knows of nothing that is watched.
func NewContacts() *Contacts {
	return &Contacts{now: time.Now, last: map[string]time.Time{}, failing: map[string]failure{}}
}

// Failing is for how long the requests of each place have failed, 0 where they do not.
func (c *Contacts) Failing() map[string]time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	times := make(map[string]time.Duration, len(c.last))
	for place := range c.last {
		times[place] = 0
		if f, failing := c.failing[place]; failing {
			times[place] = c.now().Sub(f.since)
		}
	}
	return times
}

// why the last request of a place failed.
func (c *Contacts) why(place string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failing[place].why
}

// failed says that a request of a place has failed. Of one that is not watched it says nothing.
func (c *Contacts) failed(place, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, watched := c.last[place]; !watched {
		return
	}
	f, failing := c.failing[place]
	if !failing {
		f.since = c.now()
	}
	f.why = why
	c.failing[place] = f
}

// Ages are how long ago each place was heard of last or, where it never was, its watch began.
func (c *Contacts) Ages() map[string]time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	ages := make(map[string]time.Duration, len(c.last))
	for place, last := range c.last {
		ages[place] = c.now().Sub(last)
	}
	return ages
}

// begin says that a place is watched from now on, end that it is not any more.
func (c *Contacts) begin(place string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last[place] = c.now()
}

func (c *Contacts) end(place string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.last, place)
	delete(c.failing, place)
}

// heard says that the API server has said something of a place. Of one that is not watched it says nothing.
func (c *Contacts) heard(place string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, watched := c.last[place]; watched {
		c.last[place] = c.now()
		delete(c.failing, place)
	}
}

// Transport notes what the API server says in answer to requests.
func (c *Contacts) Transport(next http.RoundTripper) http.RoundTripper {
	return &listener{contacts: c, next: next}
}

type listener struct {
	contacts *Contacts
	next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (l *listener) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.next.RoundTrip(request)
	place := placeOf(request)
	if err != nil {
		// A watch that is ended by us has not failed.
		if request.Context().Err() == nil {
			l.contacts.failed(place, "the API server cannot be reached: "+err.Error())
		}
		return response, err
	}
	if response.StatusCode != http.StatusOK {
		l.contacts.failed(place, "the API server answers "+response.Status)
		return response, nil
	}
	l.contacts.heard(place)
	response.Body = &heardBody{ReadCloser: response.Body, heard: func() { l.contacts.heard(place) }}
	return response, nil
}

// placeOf names what a request of a watch asks for, as reports do; "" for other requests.
func placeOf(request *http.Request) string {
	directory, resource := path.Split(request.URL.Path)
	switch resource {
	case "configmaps", "secrets":
		selector, err := fields.ParseSelector(request.URL.Query().Get("fieldSelector"))
		if err != nil {
			return ""
		}
		name, _ := selector.RequiresExactMatch(metav1.ObjectNameField)
		if resource == "secrets" {
			return secretPlace(name)
		}
		return configMapPlace(name)
	case "endpointslices":
		return endpointsPlace(path.Base(strings.TrimSuffix(directory, "/")))
	}
	return ""
}

// heardBody tells of each piece of an answer that arrives.
type heardBody struct {
	io.ReadCloser
	heard func()
}

// Read implements io.Reader.
func (b *heardBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.heard()
	}
	return n, err
}
