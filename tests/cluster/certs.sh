# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Certificates and kubeconfigs of the cluster in $dir (which cluster.sh sets). All but the user's kubeconfig are under
# $dir/pki; everything is made afresh for each cluster.

readonly CERT_DAYS=365

# One openssl call a certificate; its configuration comes from here so that the machine's openssl.cnf has no say.
make_certificate() { # NAME SUBJECT EXTENSIONS [CA]
  local -r base=$dir/pki/$1
  local -a signer=()
  local -r config=$'[req]\ndistinguished_name = dn\nx509_extensions = extensions\n[dn]\n[extensions]\n'$3
  if [[ -n ${4:-} ]]; then signer=(-CA "$dir/pki/$4.crt" -CAkey "$dir/pki/$4.key"); fi
  local log
  log=$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days "$CERT_DAYS" -subj "$2" \
    -config <(echo "$config") "${signer[@]}" -keyout "$base.key" -out "$base.crt" 2>&1) ||
    die "openssl could not make the certificate $1: $log"
}

make_ca() { # NAME
  make_certificate "$1" "/CN=$1" "basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash"
}

# A certificate for a client, a server or both. SUBJECT is /O=GROUP/CN=USER for a client of the API server;
# NAMES is a subjectAltName like IP:127.0.0.1,DNS:localhost, needed when USAGE has serverAuth.
issue_certificate() { # CA NAME SUBJECT USAGE [NAMES]
  make_certificate "$2" "$3" "basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = $4
${5:+subjectAltName = $5}" "$1"
}

# The names by which kube-apiserver is reached; 10.0.0.1 is the first address of the service range.
readonly APISERVER_NAMES="IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,\
DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"

# etcd has a CA of its own: whoever the cluster's CA signs for must not become a client of etcd.
make_cluster_certificates() {
  local -r loopback=IP:127.0.0.1,DNS:localhost
  mkdir -p "$dir/pki"
  make_ca ca
  make_ca etcd-ca
  make_ca front-proxy-ca
  issue_certificate etcd-ca etcd /CN=etcd serverAuth,clientAuth "$loopback"
  issue_certificate etcd-ca apiserver-etcd-client /CN=kube-apiserver clientAuth
  issue_certificate ca apiserver /CN=kube-apiserver serverAuth "$APISERVER_NAMES"
  issue_certificate ca admin /O=system:masters/CN=admin clientAuth
  issue_certificate ca kube-controller-manager /CN=system:kube-controller-manager serverAuth,clientAuth "$loopback"
  issue_certificate ca kube-scheduler /CN=system:kube-scheduler serverAuth,clientAuth "$loopback"
  issue_certificate ca apiserver-kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
  issue_certificate ca kwok /O=system:masters/CN=kwok serverAuth,clientAuth "$loopback"
  issue_certificate ca karpenter /O=system:masters/CN=karpenter clientAuth
  issue_certificate ca kubelet "/O=system:nodes/CN=system:node:$NODE_NAME" serverAuth,clientAuth "IP:$NODE_ADDRESS"
  # The key pair that signs the tokens of service accounts.
  openssl ecparam -name prime256v1 -genkey -noout -out "$dir/pki/service-account.key"
  openssl ec -in "$dir/pki/service-account.key" -pubout -out "$dir/pki/service-account.pub" 2>/dev/null
}

# Writes a kubeconfig for the holder of the certificate NAME, with everything inline.
write_kubeconfig() { # NAME SERVER_URL FILE
  local -r pki=$dir/pki
  cat >"$3.new" <<EOF
apiVersion: v1
kind: Config
clusters:
- name: kaito-test
  cluster:
    server: $2
    certificate-authority-data: $(base64 -w0 "$pki/ca.crt")
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$pki/$1.crt")
    client-key-data: $(base64 -w0 "$pki/$1.key")
contexts:
- name: kaito-test
  context:
    cluster: kaito-test
    user: $1
current-context: kaito-test
EOF
  mv -f "$3.new" "$3"
}
