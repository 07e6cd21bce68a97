{{/* The name of all that belongs to the operator. */}}
{{- define "varnish-gateway.name" -}}
{{- if contains "varnish-gateway" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-varnish-gateway" (.Release.Name | trunc 34 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- define "varnish-gateway.serviceAccountName" -}}
{{- .Values.operator.serviceAccount.name | default (include "varnish-gateway.name" .) -}}
{{- end -}}

{{- define "varnish-gateway.selectorLabels" -}}
app.kubernetes.io/name: varnish-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "varnish-gateway.labels" -}}
{{ include "varnish-gateway.selectorLabels" . }}
app.kubernetes.io/part-of: varnish-gateway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end -}}

{{/* An image reference of {repository, tag, digest}; the digest says more than the tag. */}}
{{- define "varnish-gateway.image" -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag }}
{{- end -}}
{{- end -}}

{{- define "varnish-gateway.operatorImage" -}}
{{- $image := .Values.operator.image -}}
{{- include "varnish-gateway.image" (dict "repository" $image.repository "tag" ($image.tag | default .Chart.AppVersion) "digest" $image.digest) -}}
{{- end -}}

{{- define "varnish-gateway.parametersName" -}}
{{- if .Values.gatewayClass.parameters -}}
{{- .Values.gatewayClass.name -}}
{{- else -}}
{{- .Values.gatewayClass.parametersName -}}
{{- end -}}
{{- end -}}

{{/*
The name by which GatewayClasses say that they are this release's. A class that is there keeps the name that it has, since that cannot be
changed. Another release that says the same name would fight with this one over every Gateway: it is refused.
*/}}
{{- define "varnish-gateway.controllerName" -}}
{{- $class := lookup "gateway.networking.k8s.io/v1" "GatewayClass" "" .Values.gatewayClass.name -}}
{{- $name := .Values.controllerName -}}
{{- if and (not $name) $class -}}
{{- if or (not .Values.gatewayClass.create) (eq (include "varnish-gateway.releaseOf" $class) (printf "%s/%s" .Release.Namespace .Release.Name)) -}}
{{- $name = $class.spec.controllerName -}}
{{- end -}}
{{- end -}}
{{- if not $name -}}
{{- $name = printf "varnish.io/%s" (eq .Release.Name "varnish-gateway" | ternary "gateway-controller" .Release.Name) -}}
{{- end -}}
{{- range (lookup "gateway.networking.k8s.io/v1" "GatewayClass" "" "").items -}}
{{- $other := include "varnish-gateway.releaseOf" . -}}
{{- if and (eq .spec.controllerName $name) $other (ne $other (printf "%s/%s" $.Release.Namespace $.Release.Name)) -}}
{{- fail (printf "GatewayClass %s of release %s has the controller name %s already: set controllerName to another one" .metadata.name $other $name) -}}
{{- end -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* The release that an object is of, as NAMESPACE/NAME; empty where Helm has not made it. */}}
{{- define "varnish-gateway.releaseOf" -}}
{{- $annotations := .metadata.annotations | default dict -}}
{{- with index $annotations "meta.helm.sh/release-name" -}}
{{- index $annotations "meta.helm.sh/release-namespace" }}/{{ . -}}
{{- end -}}
{{- end -}}
