package metrics

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
)

// sample is one counter of varnishstat as Prometheus sees it.
type sample struct {
	name  string
	kind  prometheus.ValueType
	help  string
	ident string
	value float64
}

// samplesOf makes samples of varnishd's counters. They are ordered by the names of the counters, no two have
// the same name and ident, and all of a name have the same kind and help, as Prometheus demands.
func samplesOf(counters map[string]varnishstat.Counter) []sample {
	var samples []sample
	families := map[string]sample{}
	seen := map[[2]string]bool{}
	for _, key := range slices.Sorted(maps.Keys(counters)) {
		s, ok := sampleOf(key, counters[key])
		if !ok || seen[[2]string{s.name, s.ident}] {
			continue
		}
		family, known := families[s.name]
		switch {
		case !known:
			families[s.name] = s
		case family.kind != s.kind:
			continue
		default:
			s.help = family.help
		}
		seen[[2]string{s.name, s.ident}] = true
		samples = append(samples, s)
	}
	return samples
}

// sampleOf makes a sample of a counter. Its key is "SECTION.field" or "SECTION.ident.field"; the ident may
// hold dots itself.
func sampleOf(key string, c varnishstat.Counter) (sample, bool) {
	section, rest, found := strings.Cut(key, ".")
	if !found {
		return sample{}, false
	}
	ident, field := "", rest
	if dot := strings.LastIndexByte(rest, '.'); dot >= 0 {
		ident, field = rest[:dot], rest[dot+1:]
	}
	s := sample{
		name:  "varnish_" + plain(section) + "_" + plain(field),
		kind:  kindOf(c.Flag),
		help:  strings.ToValidUTF8(c.Description, "\uFFFD"),
		ident: strings.ToValidUTF8(ident, "\uFFFD"),
	}
	if s.kind == prometheus.CounterValue && !strings.HasSuffix(s.name, "_total") {
		s.name += "_total"
	}
	var ok bool
	s.value, ok = valueOf(c)
	return s, ok
}

// plain makes part of a metric's name: lower case, and no character that such a name cannot have.
func plain(part string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, part)
}

// kindOf reads the flag, as varnish-counters(7) explains them.
func kindOf(flag string) prometheus.ValueType {
	switch flag {
	case "c", "a":
		return prometheus.CounterValue
	case "g", "b":
		return prometheus.GaugeValue
	}
	return prometheus.UntypedValue
}

// valueOf gives the value; of a bitmap, which holds the latest probes of a backend, the latest.
func valueOf(c varnishstat.Counter) (float64, bool) {
	if c.Flag == "b" {
		bits, err := strconv.ParseUint(c.Value.String(), 10, 64)
		return float64(bits & 1), err == nil
	}
	value, err := c.Value.Float64()
	return value, err == nil
}
