package dev.sluice.bench.contender;

import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Entrance.Session.Format;
import dev.sluice.bench.load.Entrance.Session.Step;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.process.Server;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ServerProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Centrifugo with its Redis engine, without history. Publications come over Redis, as another of its nodes would publish them. Clients speak
 * its JSON protocol.
 */
public final class Centrifugo implements Contender {

    private static final String PROGRAM = System.getenv().getOrDefault("CENTRIFUGO", "centrifugo");

    private static final String CONFIGURATION = """
            {
              "log": {"level": "warn"},
              "health": {"enabled": true},
              "http_server": {"address": "127.0.0.1", "port": "@PORT@"},
              "client": {"token": {"hmac_secret_key": "@SECRET@"}},
              "engine": {"type": "redis", "redis": {"address": "@REDIS@"}},
              "channel": {
                "namespaces": [
                  {"name": "upload", "allow_subscribe_for_client": true},
                  {"name": "user", "allow_subscribe_for_client": true}
                ]
              }
            }
            """;

    public static boolean isInstalled() {
        return ServerProcess.output(PROGRAM, "version").isPresent();
    }

    /** The version of the program. */
    public static String version() {
        return ServerProcess.output(PROGRAM, "version")
                .map(said -> said.replaceFirst("\\D*([\\d.]+)[\\s\\S]*", "$1"))
                .orElse("not installed");
    }

    @Override
    public String name() {
        return "centrifugo";
    }

    /** It subscribes only to channels that have a listener. */
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
    public boolean isForStorms() {
        return true;
    }

    @Override
    public Server start(Redis redis, int connectsPerSecond, Path logs) {
        int port = Ports.free();
        Path filledIn = logs.resolve("centrifugo.json");
        try {
            Files.writeString(
                    filledIn,
                    CONFIGURATION
                            .replace("@PORT@", Integer.toString(port))
                            .replace("@SECRET@", Credentials.SECRET)
                            .replace("@REDIS@", redis.uri()));
        } catch (IOException e) {
            throw new IllegalStateException("can't write " + filledIn, e);
        }
        List<String> command = List.of(PROGRAM, "--config", filledIn.toString());
        return Server.start(
                Server.pinned(command), Map.of(), port, Ports.http(port, "/health"), logs.resolve("centrifugo.log"));
    }

    @Override
    public PublishProtocol protocol() {
        return PublishProtocol.CENTRIFUGO;
    }

    @Override
    public InetSocketAddress publishTo(Redis redis, Server server) {
        return redis.address();
    }

    @Override
    public Session user(String user) {
        return session(user, "user:" + user);
    }

    @Override
    public Session subscriber(String user, String upload) {
        return session(user, "user:" + user, "upload:" + upload);
    }

    private static Session session(String user, String... channels) {
        List<Step> steps = new ArrayList<>();
        steps.add(new Step("{\"id\":1,\"connect\":{\"token\":\"" + Credentials.of(user) + "\"}}", "\"connect\""));
        for (String channel : channels) {
            steps.add(new Step("{\"id\":2,\"subscribe\":{\"channel\":\"" + channel + "\"}}", "\"subscribe\""));
        }
        return new Session("", "/connection/websocket", Format.REPLIES, "", steps);
    }

    /** Does nothing: a Go program has no command for it. */
    @Override
    public void collectGarbage(Server server) {}
}
