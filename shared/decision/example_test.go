package decision_test

import (
	"fmt"

	"github.com/varnish-gateway/gateway/shared/decision"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// A router says what ghost does with a request.
func Example() {
	config := ghostconf.Config{
		Listeners: []ghostconf.Listener{
			{Name: "http", Socket: "http-80", Port: 80, Protocol: routing.ProtocolHTTP},
		},
		Routes: []routing.Route{{
			Namespace: "shop", Name: "cart", UID: "0c1d",
			Attachments: []routing.Attachment{{Listener: "http"}},
			Rules: []routing.Rule{{
				ID: "0c1d/cart",
				Matches: []routing.Match{{
					Path: routing.PathMatch{Type: routing.PathPrefix, Value: "/cart"},
					Rank: routing.Rank{Order: []int64{0}},
				}},
				Backends: []routing.Backend{{Service: "shop/cart:8080", Weight: 1}},
			}},
		}},
		Services: []ghostconf.Service{{
			ID: "shop/cart:8080", Endpoints: []ghostconf.Endpoint{{Address: "10.0.0.7", Port: 8080}},
		}},
	}
	router := decision.New(config, routing.NewFeatures())
	for _, target := range []string{"/cart/7", "/cartoon"} {
		got := router.Decide(decision.Request{
			Socket: "http-80", Host: "shop.example.com", Method: "GET", Target: target,
		})
		if got.Status != 0 {
			fmt.Println(target, "is answered", got.Status, "since", got.Reason)
			continue
		}
		fmt.Println(target, "goes to", got.Backends[0].Service)
	}
	// Output:
	// /cart/7 goes to shop/cart:8080
	// /cartoon is answered 404 since no route of the listener matches
}
