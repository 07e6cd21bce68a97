package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/internal/precedence"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// identityOf returns an object's UID. Manifests have none: there, one that stays the same is made of kind,
// namespace and name.
func identityOf(kind string, o metav1.Object) string {
	if o.GetUID() != "" {
		return string(o.GetUID())
	}
	digest := sha256.Sum256([]byte(kind + "/" + o.GetNamespace() + "/" + o.GetName()))
	h := hex.EncodeToString(digest[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// ruleIdentities gives the rules of one route identities that stay when rules are inserted, moved or given
// other backends.
type ruleIdentities struct {
	route string
	// taken are the identities given so far.
	taken []string
}

// next returns the identity of the next rule: the route's with the rule's name or, without one, with the
// digest of its matches. Of rules that are alike, the second gets "-2", and so on.
func (r *ruleIdentities) next(name string, matches []routing.Match) string {
	id := r.route + "/"
	if name != "" {
		id += name
	} else {
		id += digestOf(matches)
	}
	unique := id
	for n := 2; slices.Contains(r.taken, unique); n++ {
		unique = id + "-" + strconv.Itoa(n)
	}
	r.taken = append(r.taken, unique)
	return unique
}

// digestOf tells apart rules that match other requests. Places in the list do not count.
func digestOf(matches []routing.Match) string {
	text := make([]byte, 0, 128)
	for _, m := range matches {
		text = strconv.AppendInt(text, precedence.PathClass(m.Path.Type), 10)
		text = strconv.AppendQuote(text, m.Path.Value)
		text = strconv.AppendQuote(text, m.Method)
		text = appendValues(append(text, 'h'), m.Headers)
		text = appendValues(append(text, 'q'), m.QueryParams)
	}
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:8])
}

func appendValues(text []byte, values []routing.ValueMatch) []byte {
	for _, v := range values {
		text = strconv.AppendBool(text, v.Type == routing.ValueRegex)
		text = strconv.AppendQuote(text, v.Name)
		text = strconv.AppendQuote(text, v.Value)
	}
	return text
}
