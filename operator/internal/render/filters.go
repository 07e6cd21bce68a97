package render

import (
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func filters(list []model.Filter) []routing.Filter {
	if len(list) == 0 {
		return nil
	}
	out := make([]routing.Filter, 0, len(list))
	for _, f := range list {
		out = append(out, filter(f))
	}
	return out
}

func filter(f model.Filter) routing.Filter {
	switch {
	case f.RequestHeaders != nil:
		return routing.Filter{
			Type: routing.FilterRequestHeaderModifier, RequestHeaderModifier: headerModifier(f.RequestHeaders),
		}
	case f.ResponseHeaders != nil:
		return routing.Filter{
			Type: routing.FilterResponseHeaderModifier, ResponseHeaderModifier: headerModifier(f.ResponseHeaders),
		}
	case f.Redirect != nil:
		return routing.Filter{Type: routing.FilterRequestRedirect, RequestRedirect: &routing.RequestRedirect{
			Scheme:     f.Redirect.Scheme,
			Hostname:   f.Redirect.Hostname,
			Path:       pathModifier(f.Redirect.Path),
			Port:       f.Redirect.Port,
			StatusCode: f.Redirect.StatusCode,
		}}
	default:
		return routing.Filter{Type: routing.FilterURLRewrite, URLRewrite: &routing.URLRewrite{
			Hostname: f.Rewrite.Hostname, Path: pathModifier(f.Rewrite.Path),
		}}
	}
}

func headerModifier(change *model.HeaderChange) *routing.HeaderModifier {
	return &routing.HeaderModifier{Set: headers(change.Set), Add: headers(change.Add), Remove: change.Remove}
}

func headers(list []model.Header) []routing.Header {
	out := make([]routing.Header, 0, len(list))
	for _, h := range list {
		out = append(out, routing.Header(h))
	}
	return out
}

func pathModifier(change *model.PathChange) *routing.PathModifier {
	if change == nil {
		return nil
	}
	kind := routing.ReplaceFullPath
	if change.PrefixOnly {
		kind = routing.ReplacePrefixMatch
	}
	return &routing.PathModifier{Type: kind, Value: change.Value}
}
