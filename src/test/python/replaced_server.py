"""A stand-in for the gateway that Sluice replaces: FastAPI, redis-py and PyJWT, in one process.

It follows the gateway's protocol: a subscription belongs to the user and outlives the socket, nothing is retained, and a
token is verified once, with a shared secret and the type "access".

Usage: replaced_server.py REDIS_PORT SECRET. It prints "listening PORT" when it has subscribed to Redis.
"""

import asyncio
import json
import socket
import sys
from collections import defaultdict

import jwt
import redis.asyncio
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

AUTH_TIMEOUT_SECONDS = 5

redis_port, secret = int(sys.argv[1]), sys.argv[2]
sockets: dict[str, set[WebSocket]] = defaultdict(set)
subscriptions: dict[str, set[str]] = defaultdict(set)
app = FastAPI()


@app.websocket("/ws/uploads")
async def uploads(websocket: WebSocket) -> None:
    await websocket.accept()
    user = await authenticate(websocket)
    if user is None:
        return
    await websocket.send_json({"action": "auth_success", "user_id": user})
    sockets[user].add(websocket)
    try:
        while True:
            await handle(websocket, user, await websocket.receive_json())
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        sockets[user].discard(websocket)


async def authenticate(websocket: WebSocket) -> str | None:
    try:
        message = await asyncio.wait_for(websocket.receive_json(), AUTH_TIMEOUT_SECONDS)
    except asyncio.TimeoutError:
        return await refuse(websocket, 4001, "no auth message in time")
    except ValueError:
        await websocket.close(4004)
        return None
    if message.get("type") != "auth" or not message.get("token"):
        return await refuse(websocket, 4002, "the first message must be an auth message")
    try:
        claims = jwt.decode(message["token"], secret, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return await refuse(websocket, 4003, "invalid token")
    if claims.get("type") != "access" or not claims.get("sub"):
        return await refuse(websocket, 4003, "invalid token")
    return claims["sub"]


async def refuse(websocket: WebSocket, code: int, message: str) -> None:
    await websocket.send_json({"action": "auth_error", "message": message})
    await websocket.close(code)


async def handle(websocket: WebSocket, user: str, message: dict) -> None:
    channel = f"upload:{message.get('upload_id')}"
    if message.get("action") == "subscribe_upload":
        subscriptions[user].add(channel)
        await websocket.send_json({"action": "subscribed", "channel": channel})
    elif message.get("action") == "unsubscribe_upload":
        subscriptions[user].discard(channel)
        await websocket.send_json({"action": "unsubscribed", "channel": channel})


async def listen(listener: redis.asyncio.client.PubSub) -> None:
    async for message in listener.listen():
        if message["type"] != "pmessage":
            continue
        channel, text = message["channel"].decode(), message["data"].decode()
        prefix, name = channel.split(":", 1)
        users = [name] if prefix == "user" else [user for user, wanted in subscriptions.items() if channel in wanted]
        for user in users:
            for websocket in list(sockets[user]):
                try:
                    await websocket.send_text(text)
                except (WebSocketDisconnect, RuntimeError):
                    sockets[user].discard(websocket)


async def main() -> None:
    listener = redis.asyncio.Redis(port=redis_port).pubsub()
    await listener.psubscribe("upload:*", "user:*")
    listening = asyncio.create_task(listen(listener))
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    print("listening", bound.getsockname()[1], flush=True)
    await uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve(sockets=[bound])
    listening.cancel()


asyncio.run(main())
