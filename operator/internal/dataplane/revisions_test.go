package dataplane

import (
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPodsAreHeldToTheContentOfWhatTheyRun(t *testing.T) {
	want := Wanted{
		Routing: Revisions{Contents: []string{"six", "seven"}, Newest: 7, Since: 5},
		VCL:     Revisions{Contents: []string{"three"}, Newest: 3, Since: 3},
	}
	const tells = `{"versions":{"contracts":{"admin":"1.3.0"}},`
	for name, c := range map[string]struct{ said, message string }{
		"the newest":           {tells + `"routing":{"sequence":7,"digest":"seven"},"vcl":{"sequence":3,"digest":"three"}}`, ""},
		"the routes before":    {tells + `"routing":{"sequence":6,"digest":"six"},"vcl":{"sequence":3,"digest":"three"}}`, ""},
		"routes of long ago":   {tells + `"routing":{"sequence":5,"digest":"five"},"vcl":{"sequence":3,"digest":"three"}}`, "Pod a runs routing configuration 5, not yet 7."},
		"a higher sequence":    {tells + `"routing":{"sequence":90,"digest":"other"},"vcl":{"sequence":3,"digest":"three"}}`, "Pod a runs routing configuration 90, not yet 7."},
		"the same sequence":    {tells + `"routing":{"sequence":7,"digest":"other"},"vcl":{"sequence":3,"digest":"three"}}`, "Pod a runs another routing configuration 7 than is published."},
		"an unknown content":   {tells + `"routing":{"sequence":7},"vcl":{"sequence":3,"digest":"three"}}`, "Pod a runs another routing configuration 7 than is published."},
		"other VCL":            {tells + `"routing":{"sequence":7,"digest":"seven"},"vcl":{"sequence":4,"digest":"four"}}`, "Pod a runs VCL 4, not yet 3."},
		"other VCL, same name": {tells + `"routing":{"sequence":7,"digest":"seven"},"vcl":{"sequence":3,"digest":"four"}}`, "Pod a runs another VCL 3 than is published."},
		"a pod before 1.3":     {`{"versions":{"contracts":{"admin":"1.2.0"}},"routing":{"sequence":5},"vcl":{"sequence":3}}`, ""},
		"one that is behind":   {`{"versions":{"contracts":{"admin":"1.2.0"}},"routing":{"sequence":4},"vcl":{"sequence":3}}`, "Pod a runs routing configuration 4, not yet 7."},
		"a pod before 1.2":     {`{"routing":{"sequence":8},"vcl":{"sequence":4}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Programmed(want, []Observation{said(t, "a", c.said)})
			assert.Equal(t, c.message, got.Message)
			assert.Equal(t, c.message == "", got.Status == metav1.ConditionTrue)
		})
	}
}
