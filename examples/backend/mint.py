"""Prints a token for a user, valid for 15 minutes: python3 mint.py <user> [<channel> ...]

The channels are those to which the user may subscribe on routes with access=claim; other routes need none.
"""

import os
import sys
import time
from pathlib import Path

import jwt

if len(sys.argv) < 2:
    sys.exit("Usage: python3 mint.py <user> [<channel> ...]")
user, *channels = sys.argv[1:]
private_key = Path(os.environ.get("PRIVATE_KEY", "privatekey.pem")).read_text()

now = int(time.time())
claims = {"sub": user, "iat": now, "exp": now + 15 * 60, "channels": channels}
print(jwt.encode(claims, private_key, algorithm="RS256"))
