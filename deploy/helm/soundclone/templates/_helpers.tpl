{{- define "soundclone.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "soundclone.labels" -}}
app.kubernetes.io/name: soundclone
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Labels that select pods. Call with (dict "root" $ "component" "api"). */}}
{{- define "soundclone.selector" -}}
app.kubernetes.io/name: soundclone
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "soundclone.image" -}}
{{- $own := .own | default dict -}}
{{- $shared := .root.Values.image -}}
{{ $own.repository | default $shared.repository }}:{{ $own.tag | default $shared.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{/* Settings of every process. Call with (dict "root" $ "settings" (dict …)). */}}
{{- define "soundclone.environment" -}}
{{- $secret := required "existingSecret names a Secret, see values.yaml" .root.Values.existingSecret -}}
- name: SOUNDCLONE_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: database-url}}
- name: SOUNDCLONE_SECRET_KEY
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: secret-key}}
- name: SOUNDCLONE_ENCRYPTION_KEYS
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: encryption-keys, optional: true}}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: aws-access-key-id, optional: true}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: aws-secret-access-key, optional: true}}
- name: SOUNDCLONE_STORAGE_URL
  value: {{ required "storageUrl is the URL of a bucket" .root.Values.storageUrl | quote }}
{{- range $name, $value := merge (dict) .settings .root.Values.settings }}
- name: SOUNDCLONE_{{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "soundclone.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "soundclone.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "soundclone.mounts" -}}
- {name: data, mountPath: /var/lib/soundclone}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "soundclone.volumes" -}}
- name: data
  emptyDir: {sizeLimit: {{ .scratch | default "2Gi" }}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- end -}}

{{/* Where pods run. Call with (dict "root" $ "component" … "own" values). */}}
{{- define "soundclone.placement" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "soundclone.selector" . | nindent 8 }}
{{- with .own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
