#!/bin/sh
# Publishes an upload's progress, then notifies its user: sh publish.sh <upload> <user>
set -eu

if [ $# -ne 2 ]; then
  echo 'Usage: sh publish.sh <upload> <user>' >&2
  exit 2
fi

publish() {
  redis-cli -u "${REDIS_URL:-redis://localhost:6379}" PUBLISH "$1" "$2" >/dev/null
}

for percent in 0 50 100; do
  publish "upload:$1" "{\"progress_percent\":$percent}"
done
publish "user:$2" "{\"text\":\"Upload $1 is ready\"}"
