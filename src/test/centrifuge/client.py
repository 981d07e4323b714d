"""A client with Centrifugo's SDK: runs each line of its input as a command, and prints a line for each event.

Without a token as an argument, it connects with the first one of its input.
"""

import asyncio
import json
import sys

from centrifuge import CentrifugeError, Client, ClientEventHandler, SubscriptionEventHandler


def say(*words):
    line = [str(word).lower() if isinstance(word, bool) else str(word) for word in words]
    print(" ".join(line), flush=True)


def compact(data):
    return json.dumps(data, separators=(",", ":"))


class Connection(ClientEventHandler):
    async def on_connecting(self, ctx):
        say("connecting", ctx.code)

    async def on_connected(self, ctx):
        say("connected", ctx.client)

    async def on_disconnected(self, ctx):
        say("disconnected", ctx.code)

    async def on_subscribed(self, ctx):
        say("own", ctx.channel, ctx.was_recovering, ctx.recovered)

    async def on_publication(self, ctx):
        say("publication", ctx.channel, compact(ctx.pub.data))


class Channel(SubscriptionEventHandler):
    def __init__(self, name):
        self.name = name

    async def on_subscribing(self, ctx):
        say("subscribing", self.name, ctx.code)

    async def on_subscribed(self, ctx):
        say("subscribed", self.name, ctx.was_recovering, ctx.recovered)

    async def on_unsubscribed(self, ctx):
        say("unsubscribed", self.name, ctx.code)

    async def on_publication(self, ctx):
        say("publication", self.name, compact(ctx.pub.data))


async def obey(client, action, name):
    if action == "subscribe":
        subscription = client.new_subscription(name, Channel(name), min_resubscribe_delay=0.05)
        await subscription.subscribe()
        return
    subscription = client.get_subscription(name)
    if action == "unsubscribe":
        await subscription.unsubscribe()
    elif action == "history":
        result = await subscription.history(limit=10)
        say("history", name, compact([publication.data for publication in result.publications]))
    elif action == "presence":
        stats = await subscription.presence_stats()
        say("presence", name, stats.num_clients, stats.num_users)
    elif action == "publish":
        await client.publish(name, {})


async def main(url, *tokens):
    tokens = list(tokens)

    async def get_token():
        return tokens[-1]

    client = Client(
        url,
        Connection(),
        get_token=get_token,
        min_reconnect_delay=0.05,
        max_reconnect_delay=0.5,
        max_server_ping_delay=2,
    )
    if tokens:
        await client.connect()
    else:
        say("ready")
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        action, name = line.split()
        if action == "token":
            tokens.append(name)
            if len(tokens) == 1:
                await client.connect()
            continue
        try:
            await obey(client, action, name)
        except CentrifugeError as e:
            say("refused", action, getattr(e, "code", e))


asyncio.run(main(*sys.argv[1:3]))
