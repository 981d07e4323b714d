{{- define "sluice.name" -}}
{{- if contains "sluice" .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-sluice" .Release.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "sluice.selector" -}}
app.kubernetes.io/name: sluice
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sluice.labels" -}}
{{ include "sluice.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "sluice.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* The variables of the ConfigMap. A route's keys are not written in capitals, which could not express every prefix. */}}
{{- define "sluice.variables" -}}
{{- range .Values.paths }}
{{- if regexMatch "^/q(/|$)" . }}
{{- fail (printf "paths: %s would make probes or metrics public; inside the cluster, port 9000 has them" .) }}
{{- end }}
{{- end }}
{{- $variables := dict }}
{{- if not .Values.redis.urlSecret.name }}
{{- $_ := set $variables "QUARKUS_REDIS_HOSTS" .Values.redis.url }}
{{- end }}
{{- if .Values.jwt.jwksUrl }}
{{- $_ := set $variables "MP_JWT_VERIFY_PUBLICKEY_LOCATION" .Values.jwt.jwksUrl }}
{{- else if .Values.jwt.publicKeySecret }}
{{- $_ := set $variables "MP_JWT_VERIFY_PUBLICKEY_LOCATION" "/etc/sluice/jwt/publickey.pem" }}
{{- end }}
{{- with .Values.jwt.issuer }}
{{- $_ := set $variables "MP_JWT_VERIFY_ISSUER" . }}
{{- end }}
{{- with .Values.jwt.audiences }}
{{- $_ := set $variables "MP_JWT_VERIFY_AUDIENCES" (join "," .) }}
{{- end }}
{{- with .Values.origins }}
{{- $_ := set $variables "SLUICE_ORIGINS" (join "," .) }}
{{- end }}
{{- range $prefix, $keys := .Values.routes }}
{{- if not (or $keys.audience (has $prefix (list "upload" "user"))) }}
{{- fail (printf "routes.%s.audience: set it, because %s is not a default route" $prefix $prefix) }}
{{- end }}
{{- if and (eq (default "" $keys.audience) "subscribers") (not (or $keys.access (eq $prefix "upload"))) }}
{{- fail (printf "routes.%s.access: set who may subscribe" $prefix) }}
{{- end }}
{{- range $key, $value := $keys }}
{{- $_ := set $variables (printf "sluice.routes.%s.%s" $prefix $key) (toString $value) }}
{{- end }}
{{- end }}
{{- $_ := set $variables "SLUICE_DRAIN_DELAY" (printf "%ds" (int .Values.drain.delaySeconds)) }}
{{- $_ := set $variables "SLUICE_DRAIN_PERIOD" (printf "%ds" (int .Values.drain.periodSeconds)) }}
{{- $_ := set $variables "SLUICE_LIMITS_CONNECTIONS" (int .Values.connections | toString) }}
{{- $_ := set $variables "QUARKUS_VERTX_EVENT_LOOPS_POOL_SIZE" (int .Values.eventLoops | toString) }}
{{- if .Values.autoscaling.enabled }}
{{- $_ := set $variables "SLUICE_CONNECTIONS_MAX_AGE" .Values.autoscaling.maxConnectionAge }}
{{- end }}
{{- range $name, $value := .Values.config }}
{{- if hasKey $variables $name }}
{{- fail (printf "config.%s: another value of the chart sets this variable" $name) }}
{{- end }}
{{- $_ := set $variables $name $value }}
{{- end }}
{{- toYaml $variables }}
{{- end }}
