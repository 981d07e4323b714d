#!/bin/sh
# Prints a token for a user, valid for 15 minutes: sh mint.sh <user> [<group>]
# The group grants a role: operator or publisher. Needs only openssl.
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo 'Usage: sh mint.sh <user> [<group>]' >&2
  exit 2
fi

base64url() {
  openssl base64 -A | tr '+/' '-_' | tr -d '='
}

claims="\"sub\":\"$1\",\"exp\":$(($(date +%s) + 900))${2:+,\"groups\":[\"$2\"]}"
content="$(printf '{"alg":"RS256","typ":"JWT"}' | base64url).$(printf '{%s}' "$claims" | base64url)"
signature="$(printf %s "$content" | openssl dgst -sha256 -sign "${PRIVATE_KEY:-privatekey.pem}" | base64url)"
echo "$content.$signature"
