package manifest

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// maxEndpoints is how many endpoints an API server takes in one EndpointSlice.
const maxEndpoints = 1000

func admitService(s *corev1.Service) []violation {
	if s.Spec.Type == "" {
		s.Spec.Type = corev1.ServiceTypeClusterIP
	}
	var found []violation
	external := s.Spec.Type == corev1.ServiceTypeExternalName
	switch {
	case external && s.Spec.ExternalName == "":
		found = append(found, violation{"spec.externalName", "Required value"})
	case !external && len(s.Spec.Ports) == 0 && s.Spec.ClusterIP != corev1.ClusterIPNone:
		found = append(found, violation{"spec.ports", "Required value"})
	}
	names := map[string]bool{}
	for i := range s.Spec.Ports {
		port, path := &s.Spec.Ports[i], fmt.Sprintf("spec.ports[%d]", i)
		if port.Protocol == "" {
			port.Protocol = corev1.ProtocolTCP
		}
		if port.TargetPort == (intstr.IntOrString{}) {
			port.TargetPort = intstr.FromInt32(port.Port)
		}
		found = append(found, portNumber(path+".port", port.Port)...)
		found = append(found, portName(path+".name", port.Name, len(s.Spec.Ports) > 1, names)...)
	}
	return found
}

func admitEndpointSlice(s *discoveryv1.EndpointSlice) []violation {
	var found []violation
	switch s.AddressType {
	case discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6, discoveryv1.AddressTypeFQDN:
	case "":
		found = append(found, violation{"addressType", "Required value"})
	default:
		found = append(found, violation{"addressType", fmt.Sprintf("Unsupported value: %q: supported values: IPv4, IPv6, FQDN", s.AddressType)})
	}
	if len(s.Endpoints) > maxEndpoints {
		found = append(found, violation{"endpoints", fmt.Sprintf("Too many: %d: must have at most %d items", len(s.Endpoints), maxEndpoints)})
	}
	for i, endpoint := range s.Endpoints {
		if len(endpoint.Addresses) == 0 {
			found = append(found, violation{fmt.Sprintf("endpoints[%d].addresses", i), "Required value"})
		}
		for j, address := range endpoint.Addresses {
			if message := addressProblem(s.AddressType, address); message != "" {
				found = append(found, violation{fmt.Sprintf("endpoints[%d].addresses[%d]", i, j), message})
			}
		}
	}
	return append(found, admitSlicePorts(s)...)
}

func admitSlicePorts(s *discoveryv1.EndpointSlice) []violation {
	var found []violation
	names := map[string]bool{}
	for i := range s.Ports {
		port, path := &s.Ports[i], fmt.Sprintf("ports[%d]", i)
		if port.Name == nil {
			port.Name = new(string)
		}
		if port.Protocol == nil {
			tcp := corev1.ProtocolTCP
			port.Protocol = &tcp
		}
		if port.Port != nil {
			found = append(found, portNumber(path+".port", *port.Port)...)
		}
		found = append(found, portName(path+".name", *port.Name, len(s.Ports) > 1, names)...)
	}
	return found
}

func addressProblem(kind discoveryv1.AddressType, text string) string {
	if kind == discoveryv1.AddressTypeFQDN {
		if errs := validation.IsDNS1123Subdomain(text); len(errs) > 0 {
			return fmt.Sprintf("Invalid value: %q: %s", text, errs[0])
		}
		return ""
	}
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" || address.Is4() != (kind == discoveryv1.AddressTypeIPv4) {
		return fmt.Sprintf("Invalid value: %q: must be a valid %s address", text, kind)
	}
	return ""
}

func portNumber(path string, port int32) []violation {
	if len(validation.IsValidPortNum(int(port))) == 0 {
		return nil
	}
	return []violation{{path, fmt.Sprintf("Invalid value: %d: must be between 1 and 65535, inclusive", port)}}
}

// portName checks the name of a port; several ports of one object must all have one.
func portName(path, name string, several bool, seen map[string]bool) []violation {
	switch {
	case name == "" && several:
		return []violation{{path, "Required value"}}
	case name == "":
		return nil
	case seen[name]:
		return []violation{{path, fmt.Sprintf("Duplicate value: %q", name)}}
	}
	seen[name] = true
	if errs := validation.IsDNS1123Label(name); len(errs) > 0 {
		return []violation{{path, fmt.Sprintf("Invalid value: %q: %s", name, errs[0])}}
	}
	return nil
}

// admitSecret moves stringData to data, where every reader looks for it.
func admitSecret(s *corev1.Secret) []violation {
	if s.Type == "" {
		s.Type = corev1.SecretTypeOpaque
	}
	if s.Data == nil {
		s.Data = map[string][]byte{}
	}
	for key, value := range s.StringData {
		s.Data[key] = []byte(value)
	}
	s.StringData = nil
	var found []violation
	for _, key := range slices.Sorted(maps.Keys(s.Data)) {
		found = append(found, dataKey("data", key)...)
	}
	if s.Type == corev1.SecretTypeTLS {
		for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
			if _, ok := s.Data[key]; !ok {
				found = append(found, violation{"data[" + key + "]", "Required value"})
			}
		}
	}
	return found
}

func admitConfigMap(c *corev1.ConfigMap) []violation {
	var found []violation
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		found = append(found, dataKey("data", key)...)
		if _, both := c.BinaryData[key]; both {
			found = append(found, violation{"data[" + key + "]", "duplicate of key present in binaryData"})
		}
	}
	return found
}

func dataKey(path, key string) []violation {
	if errs := validation.IsConfigMapKey(key); len(errs) > 0 {
		return []violation{{path + "[" + key + "]", "Invalid value: " + strings.Join(errs, "; ")}}
	}
	return nil
}

// admitNamespace sets the label that an API server sets on every Namespace.
func admitNamespace(n *corev1.Namespace) []violation {
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	n.Labels[corev1.LabelMetadataName] = n.Name
	return nil
}
