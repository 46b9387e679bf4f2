{{- define "studious.labels" -}}
app.kubernetes.io/name: studious
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "studious.selector" -}}
app.kubernetes.io/name: studious
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "studious.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "studious.tlsSecret" -}}
{{ .Values.tls.existingSecret | default "studious-tls" }}
{{- end }}
