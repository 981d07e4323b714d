"""Publishes the progress of a simulated upload: python3 progress.py <upload>

At most five publications a second, only when the percentage has changed, and always the last one.
"""

import json
import os
import sys
import time

import redis

INTERVAL = 0.2


class Progress:
    """Publishes the progress of one upload. `report` can be called for every chunk."""

    def __init__(self, connection: redis.Redis, upload: str):
        self._connection = connection
        self._channel = f"upload:{upload}"
        self._percent = -1
        self._due = 0.0

    def report(self, done: int, total: int) -> None:
        percent = 100 * done // total
        now = time.monotonic()
        if percent == self._percent or (percent < 100 and now < self._due):
            return
        self._percent = percent
        self._due = now + INTERVAL
        self._connection.publish(self._channel, json.dumps({"progress_percent": percent}))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python3 progress.py <upload>")
    progress = Progress(redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379")), sys.argv[1])
    for chunk in range(1, 1001):
        time.sleep(0.001)
        progress.report(chunk, 1000)
