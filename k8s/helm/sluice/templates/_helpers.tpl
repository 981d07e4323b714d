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
{{- $config := .Values.config }}
{{- $key := or .Values.jwt.publicKeySecret .Values.jwt.jwksUrl .Values.secret }}
{{- range list "MP_JWT_VERIFY_PUBLICKEY" "MP_JWT_VERIFY_PUBLICKEY_LOCATION" "SMALLRYE_JWT_VERIFY_SECRETKEY" "SMALLRYE_JWT_VERIFY_KEY_LOCATION" }}
{{- $key = or $key (hasKey $config .) }}
{{- end }}
{{- if not $key }}
{{- fail "jwt.publicKeySecret: it is empty, and nothing else has a key to verify tokens: set it, jwt.jwksUrl or secret" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- fail (printf "autoscaling.minReplicas: %d exceeds maxReplicas, which is %d" (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- end }}
{{- $variables := dict }}
{{- /* By variable: the value of the chart that sets it. */}}
{{- $values := dict
  "QUARKUS_REDIS_HOSTS" "redis.url"
  "MP_JWT_VERIFY_PUBLICKEY_LOCATION" (ternary "jwt.jwksUrl" "jwt.publicKeySecret" (ne .Values.jwt.jwksUrl ""))
  "MP_JWT_VERIFY_ISSUER" "jwt.issuer"
  "MP_JWT_VERIFY_AUDIENCES" "jwt.audiences"
  "SLUICE_ORIGINS" "origins"
  "SLUICE_DRAIN_DELAY" "drain.delaySeconds"
  "SLUICE_DRAIN_PERIOD" "drain.periodSeconds"
  "SLUICE_LIMITS_CONNECTIONS" "connections"
  "QUARKUS_VERTX_EVENT_LOOPS_POOL_SIZE" "eventLoops"
  "SLUICE_CONNECTIONS_MAX_AGE" "autoscaling.maxConnectionAge" }}
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
{{- fail (printf "routes.%s.access: set who may subscribe: open, claim, owner or webhook" $prefix) }}
{{- end }}
{{- if and (eq (default "" $keys.access) "webhook") (not (or $.Values.secret (hasKey $config "SLUICE_WEBHOOK_URL"))) }}
{{- fail (printf "routes.%s.access: set config.SLUICE_WEBHOOK_URL, the URL that webhook asks" $prefix) }}
{{- end }}
{{- if has $keys.source (list "stream" "both") }}
{{- if eq (default "" (index $config "QUARKUS_REDIS_CLIENT_TYPE")) "cluster" }}
{{- fail (printf "routes.%s.source: a Redis Cluster supports no streams" $prefix) }}
{{- end }}
{{- if eq (default (ternary "last" "none" (eq $prefix "upload")) $keys.retain) "last" }}
{{- fail (printf "routes.%s.retain: set none, because streams keep their entries themselves" $prefix) }}
{{- end }}
{{- end }}
{{- range $key, $value := $keys }}
{{- $name := printf "sluice.routes.%s.%s" $prefix $key }}
{{- $_ := set $variables $name (toString $value) }}
{{- $_ := set $values $name (printf "routes.%s.%s" $prefix $key) }}
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
{{- fail (printf "config.%s: set %s instead, which is for this variable" $name (get $values $name)) }}
{{- end }}
{{- $_ := set $variables $name $value }}
{{- end }}
{{- toYaml $variables }}
{{- end }}
