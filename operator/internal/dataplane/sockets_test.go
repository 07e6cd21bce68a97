package dataplane

import (
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestAPortThatSomePodHasNotOpenedIsNotProgrammed(t *testing.T) {
	proxied := model.Socket{Protocol: routing.ProtocolHTTP, Port: 80, ProxyProtocol: true}
	assert.NotNil(t, Programmed(Wanted{Sockets: []model.Socket{proxied}}, []Observation{
		said(t, "a", `{"versions":{"contracts":{"admin":"1.2"}},"sockets":["http-80"]}`)}).Closed, "without the PROXY protocol")
	assert.Nil(t, Programmed(Wanted{Sockets: []model.Socket{proxied}}, []Observation{
		said(t, "a", `{"versions":{"contracts":{"admin":"1.2"}},"sockets":["http-80+proxy"]}`), said(t, "b", `{"sockets":["http-80"]}`),
	}).Closed, "an image before 1.2 does not tell")
	web, secure := model.Socket{Protocol: routing.ProtocolHTTP, Port: 80}, model.Socket{Protocol: routing.ProtocolHTTPS, Port: 8443}
	unready := func(o Observation) Observation { o.Ready = false; return o }
	leaving := func(o Observation) Observation { o.Leaving = true; return o }
	both := said(t, "a", `{"sockets":["http-80","https-8443"]}`)
	old := said(t, "b", `{"sockets":["http-80"]}`)
	plain := said(t, "c", `{"sockets":["http-80","http-8443"]}`)
	missing := func(pod string) map[int32]string {
		return map[int32]string{8443: "Pod " + pod + " has not opened port 8443 for HTTPS yet."}
	}
	for name, c := range map[string]struct {
		pods   []Observation
		closed map[int32]string
	}{
		"every pod has opened it":                     {[]Observation{both}, nil},
		"a pod of the template before has not":        {[]Observation{both, old}, missing("b")},
		"a pod takes another protocol there":          {[]Observation{plain, both}, missing("c")},
		"a pod that is not ready does not count":      {[]Observation{both, unready(old)}, nil},
		"a pod that leaves does not count":            {[]Observation{both, leaving(old)}, nil},
		"a pod of an image that does not tell passes": {[]Observation{said(t, "d", `{}`)}, nil},
		"a pod that has opened nothing":               {[]Observation{said(t, "e", `{"sockets":[]}`)}, map[int32]string{80: "Pod e has not opened port 80 for HTTP yet.", 8443: "Pod e has not opened port 8443 for HTTPS yet."}},
		"a process":                                   {[]Observation{said(t, "", `{"sockets":["http-80"]}`)}, map[int32]string{8443: "The gateway has not opened port 8443 for HTTPS yet."}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Programmed(Wanted{Sockets: []model.Socket{web, secure}}, c.pods)
			assert.Equal(t, c.closed, got.Closed)
			if c.closed == nil {
				assert.Equal(t, metav1.ConditionTrue, got.Status)
				return
			}
			assert.Equal(t, metav1.ConditionFalse, got.Status)
			assert.Contains(t, []string{c.closed[80], c.closed[8443]}, got.Message)
			assert.False(t, got.Lags, "a port opens with a new pod, which may never come")
		})
	}
}
