package routing_test

import (
	"fmt"
	"log"

	"github.com/varnish-gateway/gateway/shared/routing"
)

const fromTheOperator = `{
  "version": "1.0.0", "sequence": 7,
  "gateway": {"namespace": "infra", "name": "web"},
  "listeners": [{"name": "http", "socket": "http-80", "port": 80, "protocol": "HTTP"}],
  "routes": [{
    "namespace": "shop", "name": "cart", "uid": "0c1d",
    "attachments": [{"listener": "http", "hostnames": ["shop.example.com"]}],
    "rules": [{
      "id": "0c1d/cart", "needs": ["tea"],
      "matches": [{"path": {"type": "PathPrefix", "value": "/cart"}, "rank": {"order": [0]}}],
      "backends": [{"service": "shop/cart:8080", "weight": 1}]
    }]
  }],
  "services": [{"id": "shop/cart:8080", "namespace": "shop", "name": "cart", "port": 8080}]
}`

// A reader decodes the file, and then asks which records it cannot use. Those answer 500; the others serve.
func Example_reader() {
	config, err := routing.Decode([]byte(fromTheOperator))
	if err != nil {
		log.Fatal(err) // refused as a whole: keep the last good one
	}
	for _, problem := range routing.Validate(config, routing.NewFeatures("coffee")) {
		fmt.Printf("%s: %s: %s\n", problem.Object, problem.Path, problem.Message)
	}
	// Output:
	// HTTPRoute shop/cart: routes[0].rules[0].needs[0]: The feature "tea" is not known to this version
}

// A writer continues from what is live: the sequence grows when the content changes, and never otherwise.
func ExampleNext() {
	content := routing.Config{Gateway: routing.Gateway{Namespace: "infra", Name: "web"}}
	first, changed, _ := routing.Next(nil, content)
	fmt.Println(string(first), changed)
	again, changed, _ := routing.Next(first, content)
	fmt.Println(string(again) == string(first), changed)
	// Output:
	// {"version":"1.1.0","sequence":1,"gateway":{"namespace":"infra","name":"web"},"listeners":[]} true
	// true false
}

// A configuration that outgrows its ConfigMap is split; a reader joins a complete set.
func ExampleSplit() {
	content, err := routing.Decode([]byte(fromTheOperator))
	if err != nil {
		log.Fatal(err)
	}
	const limit = 300 // bytes; routing.PlainLimit in production
	head, shards, err := routing.Split(content, limit)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(head.Routes), "routes in the head,", len(head.Shards), "shards")
	whole, err := routing.Join(head, shards)
	fmt.Println(len(whole.Routes), "route in the whole, error:", err)
	// Output:
	// 0 routes in the head, 2 shards
	// 1 route in the whole, error: <nil>
}
