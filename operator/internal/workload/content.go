package workload

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Config is the Gateway's ConfigMap with main.vcl. The key routing.json is another writer's.
func (g Gateway) Config(vcl []byte) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   configMapType,
		ObjectMeta: g.owned(NamesOf(g.Object.Name).Config),
		Data:       map[string]string{mainvcl.File: string(vcl)},
	}
}

// Shard is the ConfigMap of a part of the routes.
func (g Gateway) Shard(shard string, content []byte) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   configMapType,
		ObjectMeta: g.owned(NamesOf(g.Object.Name).Shards[shard]),
		Data:       map[string]string{routing.ShardFile: string(content)},
	}
}

// Certificates is the Secret with the key pairs that the listeners present, which may be none.
func (g Gateway) Certificates(content map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta:   secretType,
		ObjectMeta: g.owned(NamesOf(g.Object.Name).Certificates),
		Type:       corev1.SecretTypeOpaque,
		Data:       content,
	}
}

// TicketKeys is the Secret with the keys of TLS session tickets; see RotateTicketKeys.
func (g Gateway) TicketKeys(keys map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta:   secretType,
		ObjectMeta: g.owned(NamesOf(g.Object.Name).TicketKeys),
		Type:       corev1.SecretTypeOpaque,
		Data:       keys,
	}
}

// Admin is the Secret with which the operator and the pods know each other.
func (g Gateway) Admin(credential Credential) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta:   secretType,
		ObjectMeta: g.owned(NamesOf(g.Object.Name).Admin),
		Type:       corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			gatewaypod.AdminTokenKey: []byte(credential.Token), gatewaypod.AdminCertificateKey: credential.Certificate, gatewaypod.AdminKeyKey: credential.Key,
		},
	}
}

var (
	configMapType = metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}
	secretType    = metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}
)
