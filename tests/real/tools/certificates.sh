#!/bin/bash
# certificates.sh FOLDER makes an authority of its own there, ca.pem, and three servers it vouches for: here.pem and here.key
# for 127.0.0.1, there.pem and there.key for another address, and late.pem and late.key, which it vouched for until yesterday.
set -euo pipefail
mkdir -p "$1"
cd "$1"
key() { openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" 2>/dev/null || openssl genrsa -out "$1" 2048 2>/dev/null; }
key ca.key
openssl req -x509 -new -key ca.key -subj '/CN=test authority' -days 2 -out ca.pem -addext basicConstraints=critical,CA:TRUE
for server in here:127.0.0.1:2 there:192.0.2.1:2 late:127.0.0.1:-1; do
	IFS=: read -r name address days <<<"$server"
	key "$name.key"
	openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
	printf 'subjectAltName=IP:%s\nbasicConstraints=CA:FALSE\n' "$address" >"$name.ext"
	openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$days" -extfile "$name.ext" -out "$name.pem" 2>/dev/null
done
