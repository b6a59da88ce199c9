{{- define "remit.name" -}}
{{- if contains "remit" .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-remit" .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "remit.selector" -}}
app.kubernetes.io/name: remit
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "remit.labels" -}}
{{ include "remit.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "remit.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* One container: the image without rights, its settings, and where the root of the keys is. */}}
{{- define "remit.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
env:
  - name: NODE_ENV
    value: production
  - name: PORT
    value: "4000"
{{- if .Values.rootKey.url }}
  - name: REMIT_ROOT_KEY
    value: {{ .Values.rootKey.url | quote }}
{{- else }}
  - name: REMIT_MASTER_KEY_FILE
    value: /var/lib/remit/master.key
{{- end }}
{{- range $name, $value := .Values.env }}
{{- if $value }}
  - name: {{ $name }}
    value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- range $name, $from := .Values.secretEnv }}
  - name: {{ $name }}
    valueFrom:
      secretKeyRef:
        name: {{ $from.secret }}
        key: {{ $from.key }}
{{- end }}
volumeMounts:
  {{- include "remit.mounts" . | nindent 2 }}
{{- end -}}

{{- define "remit.mounts" -}}
{{- if .Values.rootKey.url }}
{{- with .Values.rootKey.secret }}
- name: root-access
  mountPath: /run/secrets/remit
  readOnly: true
{{- end }}
{{- else }}
- name: root
  mountPath: /var/lib/remit
{{- end }}
{{- end -}}

{{- define "remit.volumes" -}}
{{- if .Values.rootKey.url }}
{{- with .Values.rootKey.secret }}
- name: root-access
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- else }}
- name: root
  persistentVolumeClaim:
    claimName: {{ .Values.rootKey.claim }}
{{- end }}
{{- end -}}
