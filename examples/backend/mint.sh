#!/bin/sh
# Prints a token for a user, valid for 15 minutes: sh mint.sh <user> [<role or channel> ...]
# A role is operator or publisher. A channel has a colon, and is one to which the user may subscribe on routes with
# access=claim: sh mint.sh alice 'team:*'. Signs with privatekey.pem or the file that PRIVATE_KEY names (RS256) or, if
# SECRET is set, with this shared secret (HS256). Needs only openssl.
set -eu

if [ $# -lt 1 ]; then
  echo 'Usage: sh mint.sh <user> [<role or channel> ...]' >&2
  exit 2
fi
user=$1
shift
roles=
channels=
for name; do
  case $name in
    *:*) channels="$channels${channels:+,}\"$name\"" ;;
    *) roles="$roles${roles:+,}\"$name\"" ;;
  esac
done

base64url() {
  openssl base64 -A | tr '+/' '-_' | tr -d '='
}

sign() {
  if [ -n "${SECRET:-}" ]; then
    openssl dgst -sha256 -binary -hmac "$SECRET"
  else
    openssl dgst -sha256 -binary -sign "${PRIVATE_KEY:-privatekey.pem}"
  fi
}

algorithm=RS256
[ -z "${SECRET:-}" ] || algorithm=HS256
now=$(date +%s)
claims="\"sub\":\"$user\",\"iat\":$now,\"exp\":$((now + 900)),\"groups\":[$roles],\"channels\":[$channels]"
content="$(printf '{"alg":"%s","typ":"JWT"}' "$algorithm" | base64url).$(printf '{%s}' "$claims" | base64url)"
signature="$(printf %s "$content" | sign | base64url)"
echo "$content.$signature"
