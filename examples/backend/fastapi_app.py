"""A backend with FastAPI that issues tokens for Sluice and answers its webhooks. In the folder with the keys:

uvicorn --app-dir examples/backend fastapi_app:app --port 3001

Sluice: -Dsluice.webhook.url=http://localhost:3001/may-listen?key=<key>
        -Dsluice.webhook.connect.url=http://localhost:3001/may-connect?key=<key>
"""

import os
import time
from pathlib import Path

import jwt
from fastapi import Depends, FastAPI, HTTPException, Response
from pydantic import BaseModel

PRIVATE_KEY = Path(os.environ.get("PRIVATE_KEY", "privatekey.pem")).read_text()
WEBHOOK_KEY = os.environ.get("WEBHOOK_KEY", "change-me")

# Yours come from a database.
OWNERS = {"report:42": {"alice"}}
LOCKED = {"mallory"}

app = FastAPI()


def current_user() -> str:
    """Your session knows the logged-in user; this example always returns alice."""
    return "alice"


def mint(user: str) -> str:
    now = int(time.time())
    return jwt.encode({"sub": user, "iat": now, "exp": now + 15 * 60}, PRIVATE_KEY, algorithm="RS256")


@app.post("/token")
def token(user: str = Depends(current_user)) -> Response:
    return Response(mint(user), media_type="text/plain", headers={"Cache-Control": "no-store"})


@app.post("/session")
def session(user: str = Depends(current_user)) -> Response:
    """Sets the cookie for EventSource. With HTTPS, add secure=True."""
    response = Response(status_code=204)
    response.set_cookie("session", mint(user), httponly=True, samesite="strict")
    return response


def only_sluice(key: str = "") -> None:
    """Sluice never logs the URL of a webhook, so the URL can contain a secret."""
    if key != WEBHOOK_KEY:
        raise HTTPException(403)


class Listen(BaseModel):
    user: str
    channel: str


@app.post("/may-listen", status_code=204, dependencies=[Depends(only_sluice)])
def may_listen(question: Listen) -> None:
    if question.user not in OWNERS.get(question.channel, set()):
        raise HTTPException(403)


class Connect(BaseModel):
    user: str
    claims: dict


@app.post("/may-connect", status_code=204, dependencies=[Depends(only_sluice)])
def may_connect(question: Connect) -> None:
    if question.user in LOCKED:
        raise HTTPException(403)
