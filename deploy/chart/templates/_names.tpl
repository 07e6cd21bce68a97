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
