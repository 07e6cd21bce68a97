package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// made builds a policy of an age, in seconds, that names sections of the Service shop/web.
func made(namespace, name string, age int, sections ...string) *gatewayv1.BackendTLSPolicy {
	p := &gatewayv1.BackendTLSPolicy{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(time.Unix(1_700_000_000-int64(age), 0)),
	}}
	for _, section := range sections {
		ref := gatewayv1.LocalPolicyTargetReferenceWithSectionName{
			LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: "web"},
		}
		if section != "" {
			ref.SectionName = new(gatewayv1.SectionName(section))
		}
		p.Spec.TargetRefs = append(p.Spec.TargetRefs, ref)
	}
	return p
}

func targets(p *gatewayv1.BackendTLSPolicy) []Target { return LocalTargets(p, p.Spec.TargetRefs) }

func web(section string) Target {
	return Target{Kind: "Service", Namespace: "shop", Name: "web", Section: section}
}

// names of what is attached at the most specific target, as BackendTLSPolicy has it.
func names(chain []Level[*gatewayv1.BackendTLSPolicy]) []string {
	var names []string
	if len(chain) > 0 {
		for _, p := range chain[0].Policies {
			names = append(names, p.Name)
		}
	}
	return names
}

func TestWhichPolicyIsInForce(t *testing.T) {
	for name, c := range map[string]struct {
		policies []*gatewayv1.BackendTLSPolicy
		at       Target
		want     []string
	}{
		"none":                            {nil, web("https"), nil},
		"one of the whole object":         {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "")}, web("https"), []string{"a"}},
		"one of the whole, asked of it":   {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "")}, web(""), []string{"a"}},
		"one of the section":              {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "https")}, web("https"), []string{"a"}},
		"one of another section":          {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "other")}, web("https"), nil},
		"a section does not speak of all": {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "https")}, web(""), nil},
		"another namespace":               {[]*gatewayv1.BackendTLSPolicy{made("other", "a", 0, "")}, web("https"), nil},
		"the section overrides an older":  {[]*gatewayv1.BackendTLSPolicy{made("shop", "old", 9, ""), made("shop", "b", 0, "https")}, web("https"), []string{"b"}},
		"the older goes first":            {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 1, ""), made("shop", "b", 2, "")}, web("https"), []string{"b", "a"}},
		"of one age, the name decides":    {[]*gatewayv1.BackendTLSPolicy{made("shop", "b", 0, ""), made("shop", "a", 0, "")}, web("https"), []string{"a", "b"}},
		"one that names it twice":         {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "https", "https")}, web("https"), []string{"a"}},
		"one that names two sections":     {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "https", "http")}, web("http"), []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, names(Attach("BackendTLSPolicy", c.policies, targets).Chain(c.at, c.at.Whole())))
		})
	}
}

func TestTheOrderOfTheListDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []*gatewayv1.BackendTLSPolicy
		for _, name := range rapid.SliceOfDistinct(rapid.StringMatching(`[a-d]{1,3}`), rapid.ID[string]).Draw(t, "names") {
			age := rapid.IntRange(0, 2).Draw(t, "age")
			list = append(list, made("shop", name, age, rapid.SampledFrom([]string{"", "https"}).Draw(t, "section")))
		}
		at := web(rapid.SampledFrom([]string{"", "https", "http"}).Draw(t, "at"))
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		one, other := Attach("BackendTLSPolicy", list, targets), Attach("BackendTLSPolicy", shuffled, targets)
		assert.Equal(t, one.Chain(at, at.Whole()), other.Chain(at, at.Whole()))
		assert.Equal(t, standings(one), standings(other))
	})
}

// standings notes what there is at the Service shop/web, which has the ports http and https.
func standings(index Index[*gatewayv1.BackendTLSPolicy]) Standings {
	var s Standings
	for _, port := range []string{"http", "https"} {
		if chain := index.Chain(web(port), web("")); len(chain) > 0 {
			chain[0].Attach(&s)
		}
	}
	for _, level := range index.Missing(web(""), func(section string) bool { return section == "http" || section == "https" }) {
		level.Miss(&s)
	}
	return s
}

// TestHowAPolicyStandsBelowAnAncestor has the reasons of PolicyConditionReason of the Gateway API.
func TestHowAPolicyStandsBelowAnAncestor(t *testing.T) {
	const conflict = "Another BackendTLSPolicy has the same targets and goes first: shop/older at "
	for name, c := range map[string]struct {
		// sections that the policy and an older one name.
		sections, older []string
		reason          gatewayv1.PolicyConditionReason
		message, remark string
	}{
		"one of the whole":                     {[]string{""}, nil, "", "", ""},
		"one of a section":                     {[]string{"https"}, nil, "", "", ""},
		"one of a section that is not there":   {[]string{"htps"}, nil, gatewayv1.PolicyReasonTargetNotFound, "There is no section htps of Service shop/web.", ""},
		"one of two, and one is not there":     {[]string{"https", "htps"}, nil, "", "", "There is no section htps of Service shop/web."},
		"two that are not there":               {[]string{"y", "x"}, nil, gatewayv1.PolicyReasonTargetNotFound, "There is no section x of Service shop/web, section y of Service shop/web.", ""},
		"an older one has the same":            {[]string{""}, []string{""}, gatewayv1.PolicyReasonConflicted, conflict + "Service shop/web.", ""},
		"an older one has one of two":          {[]string{"http", "https"}, []string{"https"}, "", "", "Another one goes first: shop/older at section https of Service shop/web."},
		"an older one has all that is there":   {[]string{"https", "htps"}, []string{"https"}, gatewayv1.PolicyReasonConflicted, conflict + "section https of Service shop/web.", ""},
		"an older one that is not there too":   {[]string{"htps"}, []string{"htps"}, gatewayv1.PolicyReasonTargetNotFound, "There is no section htps of Service shop/web.", ""},
		"a section overrides one of the whole": {[]string{""}, []string{"https"}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			policy := made("shop", "a", 0, c.sections...)
			policies := []*gatewayv1.BackendTLSPolicy{policy, made("shop", "older", 9, c.older...)}
			s := standings(Attach("BackendTLSPolicy", policies, targets))
			standing, matters := s.Of("BackendTLSPolicy", policy)
			require.True(t, matters)
			reason, message, refused := standing.Refusal("BackendTLSPolicy")
			assert.Equal(t, c.reason, reason)
			assert.Equal(t, c.message, message)
			assert.Equal(t, c.reason != "", refused)
			if !refused {
				assert.Equal(t, c.remark, standing.Remark())
			}
		})
	}
}

func TestAPolicyOfAnotherKindWithTheSameNameIsAnotherOne(t *testing.T) {
	s := standings(Attach("BackendTLSPolicy", []*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "")}, targets))
	_, matters := s.Of("VarnishCachePolicy", made("shop", "a", 0))
	assert.False(t, matters)
	_, matters = s.Of("BackendTLSPolicy", made("shop", "b", 0))
	assert.False(t, matters)
}

func TestAPolicyInConflictAtOneTargetMayBeInForceAtAnother(t *testing.T) {
	a, b := made("shop", "a", 2, "https"), made("shop", "b", 1, "https", "admin")
	index := Attach("BackendTLSPolicy", []*gatewayv1.BackendTLSPolicy{b, a}, targets)
	var here, there Standings
	index.Chain(web("https"))[0].Attach(&here)
	standing, matters := here.Of("BackendTLSPolicy", b)
	assert.True(t, matters)
	assert.False(t, standing.InForce)
	index.Chain(web("admin"))[0].Attach(&there)
	_, matters = there.Of("BackendTLSPolicy", a)
	assert.False(t, matters)
	here.AddAll(there)
	standing, _ = here.Of("BackendTLSPolicy", b)
	assert.Equal(t, Standing{InForce: true, Conflicts: []Conflict{{At: web("https"), First: keyOf(a)}}}, standing)
	standing, _ = here.Of("BackendTLSPolicy", a)
	assert.True(t, standing.InForce)
}

// TestAnInheritedPolicyIsMergedOverTheWholeChain has the example of GEP-2649: what is more specific wins, field by field.
func TestAnInheritedPolicyIsMergedOverTheWholeChain(t *testing.T) {
	at := func(kind, section string) Target {
		return Target{Group: gatewayv1.GroupName, Kind: kind, Namespace: "shop", Name: "edge", Section: section}
	}
	rule, route, listener, gateway := at("HTTPRoute", "cart"), at("HTTPRoute", ""), at("Gateway", "https"), at("Gateway", "")
	of := map[string][]Target{
		"all": {gateway}, "tls": {listener}, "site": {route}, "late": {route}, "cart": {rule}, "other": {at("HTTPRoute", "other")},
	}
	var policies []*gatewayv1.BackendTLSPolicy
	for name := range of {
		age := 1
		if name == "late" {
			age = 0
		}
		policies = append(policies, made("shop", name, age))
	}
	index := Attach("Example", policies, func(p *gatewayv1.BackendTLSPolicy) []Target { return of[p.Name] })
	var inForce []string
	for _, level := range index.Chain(rule, route, listener, gateway) {
		inForce = append(inForce, level.Policies[0].Name)
	}
	assert.Equal(t, []string{"cart", "site", "tls", "all"}, inForce)

	type settings struct {
		TTL, Grace *int
		Tags       []string
		Key        string
	}
	merged, from := Merge(settings{TTL: new(0)}, settings{TTL: new(5), Tags: []string{"a"}}, settings{Grace: new(7), Tags: []string{"b"}})
	assert.Equal(t, settings{TTL: new(0), Grace: new(7), Tags: []string{"a"}}, merged, "a zero that is said counts")
	assert.Equal(t, map[string]int{"TTL": 0, "Tags": 1, "Grace": 2}, from)
}

func TestTargetsAreNamed(t *testing.T) {
	assert.Equal(t, "Service shop/web", web("").String())
	assert.Equal(t, "section https of Service shop/web", web("https").String())
}
