package local

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Unknown says what an order to invalidate names that no gateway of a state directory has; empty where one has it all. Route
// and policy are empty where the order names none.
func Unknown(stateDir, namespace, route, policy string) (string, error) {
	all, err := allRunning(stateDir)
	if err != nil {
		return "", err
	}
	var hasNamespace, hasRoute, hasPolicy bool
	for _, r := range all {
		config, err := readConfig(r.files.dir)
		if err != nil {
			return "", fmt.Errorf("read the configuration of Gateway %s: %w", r.gateway, err)
		}
		held := heldBy(config, namespace+"/"+policy)
		for _, one := range config.Routes {
			if one.Namespace == namespace {
				hasNamespace, hasRoute = true, hasRoute || one.Name == route
				hasPolicy = hasPolicy || slices.ContainsFunc(cachedBy(one), func(id string) bool { return held[id] })
			}
		}
	}
	switch {
	case !hasNamespace:
		return fmt.Sprintf("no gateway has a route of the namespace %q", namespace), nil
	case route != "" && !hasRoute:
		return fmt.Sprintf("no gateway has a route %q of the namespace %q", route, namespace), nil
	case policy != "" && !hasPolicy:
		return fmt.Sprintf("no gateway has a cache policy %q of the namespace %q that holds for a rule there", policy, namespace), nil
	}
	return "", nil
}

// heldBy are the IDs of the records that a VarnishCachePolicy ("namespace/name") is part of.
func heldBy(config routing.Config, policy string) map[string]bool {
	held := map[string]bool{}
	for _, record := range config.CachePolicies {
		if slices.Contains(record.Policies, policy) {
			held[record.ID] = true
		}
	}
	return held
}

// cachedBy are the IDs of the policies of a route's rules, at whatever listener.
func cachedBy(route routing.Route) []string {
	var ids []string
	for _, rule := range route.Rules {
		ids = append(ids, rule.CachePolicy)
	}
	for _, attachment := range route.Attachments {
		ids = append(ids, attachment.CachePolicies...)
	}
	return ids
}

// readConfig reads what the chaperone of a gateway reads, routing.json joined with its shards.
func readConfig(dir string) (routing.Config, error) {
	files, err := readMount(filepath.Join(dir, configDir))
	if err != nil {
		return routing.Config{}, err
	}
	head, err := routing.Decode(files[gatewaypod.RoutingKey])
	if err != nil {
		return routing.Config{}, err
	}
	files, err = readMount(filepath.Join(dir, shardsDir))
	if err != nil {
		return routing.Config{}, err
	}
	shards := map[string][]byte{}
	for name, data := range files {
		shards[strings.TrimSuffix(name, ".json")] = data
	}
	return routing.Join(head, shards)
}
