package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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

func TestWhichPolicyIsInForce(t *testing.T) {
	for name, c := range map[string]struct {
		policies []*gatewayv1.BackendTLSPolicy
		at       Target
		want     []string
	}{
		"none":                             {nil, web("https"), nil},
		"one of the whole object":          {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "")}, web("https"), []string{"a"}},
		"one of the whole, asked of it":    {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "")}, web(""), []string{"a"}},
		"one of the section":               {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "https")}, web("https"), []string{"a"}},
		"one of another section":           {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "other")}, web("https"), nil},
		"a section does not speak of all":  {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "https")}, web(""), nil},
		"another namespace":                {[]*gatewayv1.BackendTLSPolicy{made("other", "a", 0, "")}, web("https"), nil},
		"the section overrides an older":   {[]*gatewayv1.BackendTLSPolicy{made("shop", "old", 9, ""), made("shop", "b", 0, "https")}, web("https"), []string{"b"}},
		"the older goes first":             {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 1, ""), made("shop", "b", 2, "")}, web("https"), []string{"b", "a"}},
		"of one age, the name decides":     {[]*gatewayv1.BackendTLSPolicy{made("shop", "b", 0, ""), made("shop", "a", 0, "")}, web("https"), []string{"a", "b"}},
		"one that names the section twice": {[]*gatewayv1.BackendTLSPolicy{made("shop", "a", 0, "https", "http")}, web("http"), []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range Attach(c.policies, targets).At(c.at) {
				got = append(got, p.Name)
			}
			assert.Equal(t, c.want, got)
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
		assert.Equal(t, Attach(list, targets).At(at), Attach(shuffled, targets).At(at))
	})
}

func TestAPolicyInConflictAtOneTargetMayBeInForceAtAnother(t *testing.T) {
	a, b := made("shop", "a", 2, "https"), made("shop", "b", 1, "https", "admin")
	index := Attach([]*gatewayv1.BackendTLSPolicy{b, a}, targets)
	var here, there Attachments[*gatewayv1.BackendTLSPolicy]
	here.Add(index.At(web("https")))
	inForce, matters := here.Of(b)
	assert.True(t, matters)
	assert.False(t, inForce)
	there.Add(index.At(web("admin")))
	_, matters = there.Of(a)
	assert.False(t, matters)
	here.AddAll(there)
	inForce, _ = here.Of(b)
	assert.True(t, inForce)
	inForce, _ = here.Of(a)
	assert.True(t, inForce)
}

func TestTargetsAreNamed(t *testing.T) {
	assert.Equal(t, "Service shop/web", web("").String())
	assert.Equal(t, "section https of Service shop/web", web("https").String())
}
