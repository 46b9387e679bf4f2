# shellcheck shell=bash
# The configuration file of each daemon. What is unusual says why: most of it is needed in a sandbox or on cgroup v1.

write_configs() {
  mkdir -p "$RUN/config/cni" "$VOLUMES"
  chmod 0777 "$VOLUMES"
  audit_policy >"$RUN/config/audit.yaml"
  cni_config >"$RUN/config/cni/10-studious.conflist"
  containerd_config >"$RUN/config/containerd.toml"
  kubelet_config >"$RUN/config/kubelet.yaml"
  proxy_config >"$RUN/config/proxy.yaml"
  dns_config >"$RUN/config/Corefile"
}

# Every write, by whom and to what: tests count API writes with it.
audit_policy() {
  cat <<'Y'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
Y
}

# ptp, not bridge: traffic between pods is routed, so that a service's answer passes where its address was translated,
# with no need of the br_netfilter module.
cni_config() {
  cat <<Y
{"cniVersion": "1.0.0", "name": "$NAME", "plugins": [
  {"type": "ptp", "ipMasq": false,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$POD_PREFIX.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
Y
}

containerd_config() {
  local snapshotter
  snapshotter=$(overlay_or "$RUN" native)
  [ "$snapshotter" != overlay ] || snapshotter=overlayfs
  # restrict_oom_score_adj: a sandbox may not lower its own; without it runc dies with "can't get final child's PID".
  cat <<Y
version = 2
root = "$RUN/containerd/root"
state = "$RUN/containerd/state"
[grpc]
  address = "$SOCKET"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$CNI_BIN"
    conf_dir = "$RUN/config/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$snapshotter"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
Y
}

# nodeStatusUpdateFrequency: a node that is slow to start is Ready soon after; unchanged status is still written rarely.
# resolvConf: pods resolve the cluster's names only. evictionHard: the disk is shared with all else on this machine.
kubelet_config() {
  cat <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, x509: {clientCAFile: $RUN/pki/ca.crt}, webhook: {enabled: true}}
authorization: {mode: Webhook}
tlsCertFile: $RUN/pki/kubelet.crt
tlsPrivateKeyFile: $RUN/pki/kubelet.key
containerRuntimeEndpoint: unix://$SOCKET
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
resolvConf: /dev/null
maxPods: 250
podPidsLimit: -1
serializeImagePulls: false
eventRecordQPS: 0
nodeStatusUpdateFrequency: 2s
nodeStatusReportFrequency: 5m
Y
}

proxy_config() {
  cat <<Y
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: $RUN/proxy.kubeconfig}
clusterCIDR: $POD_PREFIX.0.0/16
hostnameOverride: $NODE
healthzBindAddress: $NODE_IP:10256
conntrack: {maxPerCore: 0, min: 0}
nftables: {minSyncPeriod: 100ms}
Y
}

# Only the cluster's names: there is nowhere to forward others to, so they don't exist.
dns_config() {
  cat <<Y
cluster.local in-addr.arpa {
  bind $NODE_IP
  errors
  ready $NODE_IP:8181
  kubernetes {
    kubeconfig $RUN/coredns.kubeconfig
    pods insecure
  }
  loadbalance
}
. {
  bind $NODE_IP
  errors
  template ANY ANY {
    rcode NXDOMAIN
  }
}
Y
}

# What the API server must hold before pods can resolve names.
dns_objects() {
  cat <<Y
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: system:coredns}
rules:
- {apiGroups: [""], resources: [services, pods, namespaces], verbs: [get, list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: system:coredns}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:coredns}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: system:coredns}]
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {clusterIP: $DNS_IP, ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns-node, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
endpoints: [{addresses: ["$NODE_IP"], conditions: {ready: true}}]
Y
}

# The default storage class, under the name that it has on kind, and who makes its volumes.
storage_objects() {
  cat <<Y
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: studious.dev/folders
reclaimPolicy: Delete
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: system:provisioner}
rules:
- {apiGroups: [""], resources: [persistentvolumes], verbs: [get, list, watch, create, update, patch, delete]}
- {apiGroups: [""], resources: [persistentvolumeclaims], verbs: [get, list, watch, update]}
- {apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}
- {apiGroups: [storage.k8s.io], resources: [storageclasses], verbs: [get, list, watch]}
- {apiGroups: ["", events.k8s.io], resources: [events], verbs: [create, update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: system:provisioner}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:provisioner}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: system:provisioner}]
Y
}
