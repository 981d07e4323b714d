package dev.sluice.bench.contender;

import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Entrance.Session.Format;
import dev.sluice.bench.load.Entrance.Session.Step;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.process.Server;
import dev.sluice.harness.Redis;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code peers/socketio.js} with the Redis adapter, which stores nothing. A channel is a room. */
public final class SocketIoServer implements Contender {

    private final Path script;

    /** @param peers the folder of the server, with its dependencies installed */
    public SocketIoServer(Path peers) {
        this.script = peers.resolve("socketio.js");
    }

    @Override
    public String name() {
        return "socket.io";
    }

    /** The relay in Node stands for it. */
    @Override
    public boolean isForUnwanted() {
        return false;
    }

    @Override
    public boolean isForRetained() {
        return false;
    }

    @Override
    public boolean limitsConnects() {
        return false;
    }

    @Override
    public Server start(Redis redis, int connectsPerSecond, Path logs) {
        return NodeRelay.start(script, redis, logs, "pubsub");
    }

    @Override
    public PublishProtocol protocol() {
        return PublishProtocol.SOCKET_IO;
    }

    @Override
    public InetSocketAddress publishTo(Redis redis, Server server) {
        return redis.address();
    }

    @Override
    public Session user(String user) {
        return session(user, List.of());
    }

    @Override
    public Session subscriber(String user, String upload) {
        return session(user, List.of(new Step("420[\"subscribe\",[\"upload:" + upload + "\"]]", "430")));
    }

    /** The server begins, and puts each user into a room of their own. */
    private static Session session(String user, List<Step> more) {
        List<Step> steps = new ArrayList<>();
        steps.add(new Step("", "\"sid\""));
        steps.add(new Step("40{\"token\":\"" + Credentials.of(user) + "\"}", "40{"));
        steps.addAll(more);
        return new Session("", "/socket.io/?EIO=4&transport=websocket", Format.PACKETS, "", steps);
    }

    @Override
    public void collectGarbage(Server server) {
        server.process().signal("USR2");
    }
}
