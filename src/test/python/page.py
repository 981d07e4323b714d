"""Acts like a page of the replaced system, step by step, with the logic of its client.

The client sends its token first, and subscribes once to each upload. It opens a new socket when the page is reloaded,
the token is refreshed or the network comes back, but does not subscribe again. It ignores unknown messages, and stops
permanently at auth_error. The script prints what the page shows in each step, which must be the same for every server of
the protocol.

Usage: page.py URL OTHER_URL REDIS_PORT SECRET
"""

import asyncio
import json
import sys
import time
import uuid

import jwt
import redis
import websockets

PATIENCE_SECONDS = 60
AGAIN_SECONDS = 0.05

url, other_url, redis_port, secret = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
publisher = redis.Redis(port=redis_port)
watching = []  # one page of another user on each server


def token(user, **claims):
    return jwt.encode({"sub": user, "type": "access", "exp": int(time.time()) + 600, **claims}, secret, "HS256")


class Page:
    """The client, and what the page shows: the progress of uploads, and a toast for each completed one."""

    def __init__(self, user):
        self.user = user
        self.token = token(user)
        self.shown = []
        self.stopped = False
        self.socket = None
        self.reading = None
        self.abandoned = []
        self.event = asyncio.Event()

    async def connect(self, to=None):
        if self.stopped:
            return
        self.admitted = asyncio.Event()
        self.socket = await websockets.connect(to or url)
        await self.socket.send(json.dumps({"type": "auth", "token": self.token}))
        self.reading = asyncio.create_task(self.read(self.socket, self.admitted))
        await asyncio.wait_for(self.admitted.wait(), PATIENCE_SECONDS)

    async def read(self, from_socket, admitted):
        try:
            async for text in from_socket:
                await self.handle(from_socket, admitted, json.loads(text))
        except websockets.ConnectionClosed:
            pass
        admitted.set()

    async def handle(self, from_socket, admitted, message):
        action = message.get("action")
        if action == "auth_success":
            admitted.set()
        elif action == "auth_error":
            self.stopped = True
        elif action == "ping":
            await from_socket.send(json.dumps({"action": "pong"}))
        elif from_socket is self.socket and action == "upload_progress":
            self.show(f"progress {message['payload']['progress_percent']}")
        elif from_socket is self.socket and action == "upload_completed":
            self.show("toast " + message["description"])

    def show(self, what):
        # A repeated progress does not change the page.
        if not self.shown or self.shown[-1] != what:
            self.shown.append(what)
        self.event.set()

    async def subscribe(self, upload):
        await self.socket.send(json.dumps({"action": "subscribe_upload", "upload_id": upload}))

    async def unsubscribe(self, upload):
        await self.socket.send(json.dumps({"action": "unsubscribe_upload", "upload_id": upload}))

    async def close(self):
        await self.socket.close(1001)
        await self.reading

    async def reload(self, to=None):
        await self.close()
        await self.connect(to)

    async def refresh(self):
        self.token = token(self.user)
        await self.reload()

    async def cut(self, to=None):
        """Reconnects without closing the old socket, as after a network failure that the server has not noticed."""
        self.abandoned.append(self.socket)
        await self.connect(to)

    async def sees(self, channel, message, what):
        """Publishes repeatedly, because the subscription may not exist yet, until the page shows the message."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while what not in self.shown and time.monotonic() < deadline:
            self.event.clear()
            publisher.publish(channel, json.dumps(message))
            try:
                await asyncio.wait_for(self.event.wait(), AGAIN_SECONDS)
            except asyncio.TimeoutError:
                pass
        await self.fence()

    async def loses(self, channel, message, what):
        """Publishes repeatedly, because other pods learn of an unsubscribe some time later, until the page shows nothing."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            publisher.publish(channel, json.dumps(message))
            await self.fence()
            if what not in self.shown:
                return
            self.shown.remove(what)

    async def fence(self):
        """Waits until all servers have read everything published before, and the page has got what is for it.

        Without the first, a server that lags would send it to a page that connects next.
        """
        await self.mark()
        for other in watching:
            await other.mark()

    async def mark(self):
        mark = f"progress {uuid.uuid4()}"
        self.event.clear()
        before = list(self.shown)
        publisher.publish(f"user:{self.user}", json.dumps(progress("fence", mark[len("progress ") :])))
        while mark not in self.shown:
            self.event.clear()
            await asyncio.wait_for(self.event.wait(), PATIENCE_SECONDS)
        self.shown.remove(mark)
        assert self.shown[: len(before)] == before

    def take(self, step):
        print(step, self.shown, flush=True)
        self.shown = []


def progress(upload, percent):
    return {
        "action": "upload_progress",
        "timestamp": "2026-01-01T00:00:00Z",
        "payload": {"upload_id": upload, "status": "analyzing", "stage": "vision_analysis", "progress_percent": percent},
    }


def completed(upload):
    return {
        "action": "upload_completed",
        "timestamp": "2026-01-01T00:00:01Z",
        "upload_id": upload,
        "description": "A cat",
        "audit_score": 90,
    }


async def uploads():
    user, upload = f"user-{uuid.uuid4()}", f"upload-{uuid.uuid4()}"
    page = Page(user)
    await page.connect()
    await page.subscribe(upload)
    steps = [
        ("first connect", None),
        ("reload", page.reload),
        ("token refresh", page.refresh),
        ("network cut", page.cut),
        ("another pod", lambda: page.reload(other_url)),
        ("network cut, back to the first", page.cut),
        ("reload to another pod", lambda: page.reload(other_url)),
    ]
    for percent, (step, action) in enumerate(steps):
        if action:
            await action()
        await page.sees(f"upload:{upload}", progress(upload, percent), f"progress {percent}")
        page.take(step)
    await page.sees(f"upload:{upload}", completed(upload), "toast A cat")
    page.take("completed")
    await page.reload()
    await page.subscribe(upload)
    await page.fence()
    page.take("reload, and the upload is opened again")
    await page.sees(f"upload:{upload}", progress(upload, 1), "progress 1")
    page.take("processed once more")
    await page.unsubscribe(upload)
    await page.fence()
    await page.reload(other_url)
    await page.loses(f"upload:{upload}", progress(upload, 2), "progress 2")
    publisher.publish(f"upload:{upload}", json.dumps(progress(upload, 3)))
    await page.fence()
    page.take("unsubscribed, and another pod")
    await page.close()


async def refused():
    page = Page(f"user-{uuid.uuid4()}")
    page.token = token(page.user, type="refresh")
    await page.connect()
    await page.reading
    print("refresh token", page.stopped, page.socket.close_code)
    await page.connect()
    print("stopped for ever", page.socket.open)


async def main():
    for to in (url, other_url):
        page = Page(f"watching-{uuid.uuid4()}")
        await page.connect(to)
        watching.append(page)
    await uploads()
    await refused()


asyncio.run(main())
