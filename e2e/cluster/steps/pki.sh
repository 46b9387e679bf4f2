# shellcheck shell=bash
# The cluster's certificate authority, certificates, and the kubeconfig of each who talks to the API server.

make_pki() {
  local p=$RUN/pki pids=() pid
  STEP_LOG=$RUN/logs/pki.log
  mkdir -p "$p"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$p/ca.key" -out "$p/ca.crt" -subj "/CN=$NAME-ca" -days 30 2>>"$STEP_LOG"
  openssl genrsa -out "$p/service-accounts.key" 2048 2>>"$STEP_LOG" # RSA: tokens signed RS256, as most clusters do
  certificate apiserver /CN=kube-apiserver \
    "IP:127.0.0.1,IP:$API_IP,IP:$NODE_IP,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local" & pids+=($!)
  certificate kubelet "/CN=$NODE" "DNS:$NODE,IP:$NODE_IP" & pids+=($!)
  certificate kubelet-client /O=system:masters/CN=kubelet-client & pids+=($!)
  client admin /O=system:masters/CN=admin & pids+=($!)
  client node "/O=system:nodes/CN=system:node:$NODE" & pids+=($!)
  client controller-manager /CN=system:kube-controller-manager & pids+=($!)
  client scheduler /CN=system:kube-scheduler & pids+=($!)
  client proxy /CN=system:kube-proxy & pids+=($!)
  client coredns /CN=system:coredns & pids+=($!)
  client provisioner /CN=system:provisioner & pids+=($!)
  for pid in "${pids[@]}"; do wait "$pid"; done
}

certificate() { # name subject [subjectAltName]
  local p=$RUN/pki/$1 extensions='extendedKeyUsage=clientAuth,serverAuth'
  [ $# -lt 3 ] || extensions+=$'\n'"subjectAltName=$3"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$p.key" -out "$p.csr" -subj "$2" 2>>"$STEP_LOG"
  # The serial is random: these run side by side.
  openssl x509 -req -in "$p.csr" -CA "$RUN/pki/ca.crt" -CAkey "$RUN/pki/ca.key" -set_serial "0x$(openssl rand -hex 16)" -days 30 -out "$p.crt" \
    -extfile <(printf '%s\n' "$extensions") 2>>"$STEP_LOG"
}

# A certificate, and a kubeconfig which holds all it needs (it can be copied elsewhere).
client() { # name subject
  certificate "$1" "$2"
  cat >"$RUN/$1.kubeconfig" <<Y
apiVersion: v1
kind: Config
clusters: [{name: $NAME, cluster: {server: "https://$NODE_IP:6443", certificate-authority-data: $(base64 -w0 "$RUN/pki/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$RUN/pki/$1.crt"), client-key-data: $(base64 -w0 "$RUN/pki/$1.key")}}]
contexts: [{name: $NAME, context: {cluster: $NAME, user: $1}}]
current-context: $NAME
Y
  chmod 600 "$RUN/$1.kubeconfig"
}
