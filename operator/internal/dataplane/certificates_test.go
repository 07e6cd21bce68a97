package dataplane

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestACertificateThatSomePodDoesNotPresentYetIsNotProgrammed(t *testing.T) {
	want := DigestsOf(map[string][]byte{"shop.crt": []byte("new"), "shop.key": []byte("k")})
	assert.Len(t, want, 1, "keys take no part")
	presents := func(digest string) string {
		return fmt.Sprintf(`{"versions":{"contracts":{"admin":"1.2"}},"sockets":[],"certificates":{"presented":[{"name":"shop","digest":%q}]}}`, digest)
	}
	for name, c := range map[string]struct{ said, message string }{
		"it presents it":                       {presents(want["shop"]), ""},
		"it presents another of this name":     {presents("old"), "Pod a does not present certificate shop yet."},
		"it presents none":                     {`{"versions":{"contracts":{"admin":"1.2"}},"certificates":{"presented":[]}}`, "Pod a does not present certificate shop yet."},
		"it is of an image that does not tell": {`{}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Programmed(Wanted{Certificates: want}, []Observation{said(t, "a", c.said)})
			assert.Equal(t, c.message, got.Message)
			assert.Equal(t, c.message == "", got.Status == metav1.ConditionTrue)
			assert.Equal(t, c.message != "", got.Lags, "pods take certificates by themselves")
		})
	}
}
