package dev.sluice.bench.resume;

import dev.sluice.bench.contender.NodeRelay;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Server;
import dev.sluice.bench.traffic.Protocol;
import dev.sluice.bench.traffic.SluiceProtocol;
import dev.sluice.harness.Redis;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** What is compared. */
enum Contestant {
    SLUICE("Sluice", SluiceProtocol.V2) {
        @Override
        Server start(Redis redis, Path home, List<String> flags, Path logs) {
            Path jar = home.resolveSibling("target/quarkus-app/quarkus-run.jar");
            return Sluice.jar("sluice", jar, flags, Map.of()).start(redis, CONNECTS_PER_SECOND, logs);
        }
    },

    SOCKET_IO("Socket.IO", new SocketIo()) {
        @Override
        Server start(Redis redis, Path home, List<String> flags, Path logs) {
            return NodeRelay.start(home.resolve("peers/socketio.js"), redis, logs);
        }
    },

    NODE("Node relay", SluiceProtocol.V1) {
        @Override
        Server start(Redis redis, Path home, List<String> flags, Path logs) {
            return NodeRelay.start(home.resolve("peers/relay.js"), redis, logs);
        }
    };

    private static final int CONNECTS_PER_SECOND = 2000;

    private final String label;
    private final Protocol protocol;

    Contestant(String label, Protocol protocol) {
        this.label = label;
        this.protocol = protocol;
    }

    /**
     * @param home the directory {@code bench}
     * @param flags of Sluice's JVM
     */
    abstract Server start(Redis redis, Path home, List<String> flags, Path logs);

    Protocol protocol() {
        return protocol;
    }

    @Override
    public String toString() {
        return label;
    }
}
