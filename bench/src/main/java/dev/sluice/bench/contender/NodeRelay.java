package dev.sluice.bench.contender;

import dev.sluice.bench.contender.Contender.ClientProtocol;
import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.process.Server;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ServerProcess;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code peers/relay.js}: a typical relay, which stores nothing. */
public final class NodeRelay implements Contender {

    private final Path relay;

    /** @param peers the folder of the relay, with its dependencies installed */
    public NodeRelay(Path peers) {
        this.relay = peers.resolve("relay.js");
    }

    /** The version of Node. */
    public static String version() {
        return ServerProcess.output("node", "--version").orElse("not installed");
    }

    @Override
    public String name() {
        return "node";
    }

    @Override
    public boolean isForUnwanted() {
        return true;
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
    public boolean isForStorms() {
        return true;
    }

    @Override
    public Server start(Redis redis, int connectsPerSecond, Path logs) {
        return start(relay, redis, logs);
    }

    /** Starts a server in Node, with the address of Redis and the secret of the tokens in its environment. */
    public static Server start(Path script, Redis redis, Path logs, String... arguments) {
        int port = Ports.free();
        Map<String, String> environment = Map.of(
                "PORT",
                Integer.toString(port),
                "REDIS_URL",
                redis.uri(),
                "JWT_SECRET",
                Credentials.SECRET,
                "NODE_ENV",
                "production");
        List<String> command = new ArrayList<>(List.of("node", "--expose-gc", script.toString()));
        command.addAll(List.of(arguments));
        return Server.start(
                Server.pinned(command), environment, port, Ports.http(port, "/health"), logs.resolve("node.log"));
    }

    @Override
    public Session user(String user) {
        return ClientProtocol.V1.user(user);
    }

    @Override
    public Session subscriber(String user, String upload) {
        return ClientProtocol.V1.subscriber(user, upload);
    }

    @Override
    public void collectGarbage(Server server) {
        server.process().signal("USR2");
    }
}
