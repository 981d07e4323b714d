"""Publishes an upload's progress, then notifies its user: python3 publish.py <upload> <user>"""

import json
import os
import sys

import redis

if len(sys.argv) != 3:
    sys.exit("Usage: python3 publish.py <upload> <user>")
upload, user = sys.argv[1:]
connection = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379"))

for percent in (0, 50, 100):
    connection.publish(f"upload:{upload}", json.dumps({"progress_percent": percent}))
connection.publish(f"user:{user}", json.dumps({"text": f"Upload {upload} is ready"}))
