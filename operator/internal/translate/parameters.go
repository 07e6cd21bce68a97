package translate

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// parameters are what a class, or a class and a Gateway, decide together.
type parameters struct {
	settings v1alpha1.GatewaySettings
	vcl      []model.VCL
	// allowed settings that the next level may replace.
	allowed []v1alpha1.Setting
}

// forAllRequests are the settings of how all requests are treated.
func (p parameters) forAllRequests() routing.Settings {
	return routing.Settings{
		TrustedHops: p.settings.TrustedHops,
		XVarnish:    p.settings.XVarnish != nil && *p.settings.XVarnish,
	}
}

// override is one setting that a GatewayParameters may hold.
type override struct {
	setting v1alpha1.Setting
	field   string
	isSet   func(*v1alpha1.GatewaySettings) bool
	replace func(into, from *v1alpha1.GatewaySettings)
}

var overrides = []override{
	{v1alpha1.SettingImage, "image",
		func(s *v1alpha1.GatewaySettings) bool { return s.Image != "" },
		func(into, from *v1alpha1.GatewaySettings) { into.Image = from.Image }},
	{v1alpha1.SettingResources, "resources",
		func(s *v1alpha1.GatewaySettings) bool { return s.Resources != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.Resources = from.Resources }},
	{v1alpha1.SettingVarnishdExtraArgs, "varnishdExtraArgs",
		func(s *v1alpha1.GatewaySettings) bool { return s.VarnishdExtraArgs != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.VarnishdExtraArgs = from.VarnishdExtraArgs }},
	{v1alpha1.SettingStorage, "storage",
		func(s *v1alpha1.GatewaySettings) bool { return s.Storage != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.Storage = from.Storage }},
	{v1alpha1.SettingPodTemplate, "podTemplate",
		func(s *v1alpha1.GatewaySettings) bool { return s.PodTemplate != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.PodTemplate = from.PodTemplate }},
	{v1alpha1.SettingService, "service",
		func(s *v1alpha1.GatewaySettings) bool { return s.Service != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.Service = from.Service }},
	{v1alpha1.SettingTrustedHops, "trustedHops",
		func(s *v1alpha1.GatewaySettings) bool { return s.TrustedHops != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.TrustedHops = from.TrustedHops }},
	{v1alpha1.SettingXVarnish, "xVarnish",
		func(s *v1alpha1.GatewaySettings) bool { return s.XVarnish != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.XVarnish = from.XVarnish }},
	{v1alpha1.SettingPassDoor, "passDoor",
		func(s *v1alpha1.GatewaySettings) bool { return s.PassDoor != "" },
		func(into, from *v1alpha1.GatewaySettings) { into.PassDoor = from.PassDoor }},
	{v1alpha1.SettingLimits, "limits",
		func(s *v1alpha1.GatewaySettings) bool { return s.Limits != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.Limits = from.Limits }},
	{v1alpha1.SettingLogs, "logs",
		func(s *v1alpha1.GatewaySettings) bool { return s.Logs != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.Logs = from.Logs }},
	{v1alpha1.SettingPodDisruptionBudget, "podDisruptionBudget",
		func(s *v1alpha1.GatewaySettings) bool { return s.PodDisruptionBudget != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.PodDisruptionBudget = from.PodDisruptionBudget }},
	{v1alpha1.SettingPorts, "ports",
		func(s *v1alpha1.GatewaySettings) bool { return s.Ports != nil },
		func(into, from *v1alpha1.GatewaySettings) { into.Ports = from.Ports }},
}

// resolveClassParameters reads the parameters of a class. Without any, the defaults hold.
func (o *objects) resolveClassParameters(spec *v1alpha1.GatewayClassParametersSpec) (parameters, problems) {
	var found problems
	p := parameters{settings: spec.GatewaySettings, allowed: spec.AllowedOverrides}
	if p.allowed == nil {
		p.allowed = v1alpha1.DefaultAllowedOverrides()
	}
	p.settings.TrustedHops = networks(spec.TrustedHops, "trustedHops", &found)
	checkProcess(&p.settings, &found)
	if spec.VCL != nil {
		p.vcl = o.userVCL(spec.VCL.Namespace, spec.VCL.VCLReference, v1alpha1.FailClosed, &found)
		checkVCL(p.vcl, &found)
	}
	return p, found
}

// withGatewayParameters lets the parameters of a Gateway replace those of its class, where the class
// allows it.
func (o *objects) withGatewayParameters(class parameters, own *v1alpha1.GatewayParameters) (parameters, problems) {
	var found problems
	p := class
	p.vcl = slices.Clone(class.vcl)
	for _, each := range overrides {
		if !each.isSet(&own.Spec.GatewaySettings) {
			continue
		}
		if !slices.Contains(class.allowed, each.setting) {
			found.add(reasonInvalidParameters, each.field, "the GatewayClass does not allow GatewayParameters to set it")
			continue
		}
		each.replace(&p.settings, &own.Spec.GatewaySettings)
	}
	p.settings.TrustedHops = networks(p.settings.TrustedHops, "trustedHops", &found)
	checkProcess(&p.settings, &found)
	switch {
	case own.Spec.VCL == nil:
	case !slices.Contains(class.allowed, v1alpha1.SettingVCL):
		found.add(reasonInvalidParameters, "vcl", "the GatewayClass does not allow GatewayParameters to set it")
	default:
		p.vcl = append(p.vcl, o.userVCL(own.Namespace, *own.Spec.VCL, v1alpha1.FailOpen, &found)...)
		checkVCL(p.vcl, &found)
	}
	return p, found
}

// userVCL reads VCL from the key of a ConfigMap. The failure mode is that of a reference that names none.
func (o *objects) userVCL(namespace string, ref v1alpha1.VCLReference, mode v1alpha1.FailureMode, found *problems) []model.VCL {
	key := cmp.Or(ref.Key, v1alpha1.DefaultVCLKey)
	at := objectKey{namespace, ref.Name}
	configMap := o.configMaps[at]
	if why, unread := o.unread.ConfigMaps[at.named()]; unread {
		found.add(reasonInvalidParameters, "vcl.name", "ConfigMap %q cannot be read: %s", at, why)
		return nil
	}
	if configMap == nil {
		found.add(reasonInvalidParameters, "vcl.name", "ConfigMap %q does not exist", at)
		return nil
	}
	text, ok := configMap.Data[key]
	if !ok {
		found.add(reasonInvalidParameters, "vcl.key", "ConfigMap %q has no key %q", at, key)
		return nil
	}
	return []model.VCL{{Source: "ConfigMap " + at.String() + ", key " + key, Text: text, FailClosed: cmp.Or(ref.FailureMode, mode) == v1alpha1.FailClosed}}
}

// maxVCL is how many bytes the VCL of class and Gateway may have together: main.vcl shares a ConfigMap, which ends at 1 MiB,
// with routing.json, and a part of it is generated.
const maxVCL = 1<<20 - routing.PlainLimit - 8<<10

// checkVCL refuses what could never be written.
func checkVCL(list []model.VCL, found *problems) {
	size := 0
	for _, vcl := range list {
		size += len(vcl.Text)
	}
	if size > maxVCL {
		found.add(reasonInvalidParameters, "vcl", "the VCL has %d bytes, with that of the class; there is room for %d", size, maxVCL)
	}
}

// networks brings networks in CIDR notation into their canonical form.
func networks(list []string, field string, found *problems) []string {
	if list == nil {
		return nil
	}
	canonical := make([]string, 0, len(list))
	for _, each := range list {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(each))
		if err != nil {
			found.add(reasonInvalidParameters, field, "%q is not a network in CIDR notation", each)
			continue
		}
		canonical = append(canonical, prefix.Masked().String())
	}
	slices.Sort(canonical)
	return slices.Compact(canonical)
}
