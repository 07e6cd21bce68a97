package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// write shows to a person how a request is cached.
func (c *Caching) write(w io.Writer) {
	for _, p := range c.Policies {
		fmt.Fprintf(w, "policy\tVarnishCachePolicy %s, at %s\n", p.Name, p.Target)
		if len(p.Conflicting) > 0 {
			fmt.Fprintf(w, "\t  and not %s: it goes first at the same target\n", strings.Join(p.Conflicting, ", "))
		}
	}
	for _, f := range c.Fields {
		fmt.Fprintf(w, "\t%s: %s, by %s\n", f.Path, short(f.Value), f.Policy)
	}
	if c.Passed != "" {
		fmt.Fprintf(w, "cache\trequests are passed: %s\n", c.Passed)
	}
	if c.Undecided != "" {
		fmt.Fprintf(w, "cache\twhat it decides is not known: %s\n", c.Undecided)
	}
	if c.Decision != nil {
		c.Decision.write(w)
	}
}

// short is a value as one line of YAML would have it.
func short(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if plain, err := strconv.Unquote(string(text)); err == nil {
		return plain
	}
	return string(text)
}

func (d *CacheDecision) write(w io.Writer) {
	if d.Lookup.Looks {
		fmt.Fprintln(w, "cache\tthe request is looked up")
		fmt.Fprintf(w, "\tkey %s\n", d.Key)
	} else {
		fmt.Fprintf(w, "cache\tthe request is passed: %s\n", d.Lookup.Why)
	}
	if len(d.Lookup.Wishes) > 0 {
		fmt.Fprintf(w, "\tthe client asks for %s\n", strings.Join(d.Lookup.Wishes, ", "))
	}
	if d.Response != nil {
		d.Response.write(w)
	}
}

func (s *Storage) write(w io.Writer) {
	if !s.Stored {
		fmt.Fprintf(w, "response\tis not stored: %s\n", s.Why)
		if s.HitForMiss > 0 {
			fmt.Fprintf(w, "\tfor %d s, requests do not wait for each other\n", s.HitForMiss)
		}
		return
	}
	fmt.Fprintln(w, "response\tis stored")
	times := []struct {
		name string
		time *CacheTime
	}{
		{"fresh for", s.TTL}, {"stale while revalidate for", s.StaleWhileRevalidate},
		{"stale if error for", s.StaleIfError}, {"kept to be asked about for", s.Keep},
	}
	for _, each := range times {
		if each.time != nil {
			fmt.Fprintf(w, "\t%s %s\n", each.name, each.time.Why)
		}
	}
	if s.Age > 0 {
		fmt.Fprintf(w, "\t%d s old when it comes\n", s.Age)
	}
	lists := []struct {
		what  string
		words []string
	}{{"without the fields", s.Removed}, {"varies by", s.VariesBy}, {"tags", s.Tags}}
	for _, list := range lists {
		if len(list.words) > 0 {
			fmt.Fprintf(w, "\t%s %s\n", list.what, strings.Join(list.words, ", "))
		}
	}
	if s.ClientCacheControl != "" {
		fmt.Fprintf(w, "\tclients get Cache-Control: %s\n", s.ClientCacheControl)
	}
}
