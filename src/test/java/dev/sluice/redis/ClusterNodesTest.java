package dev.sluice.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.net.NetServer;
import io.vertx.redis.client.RedisOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A node that is cut off from most masters does not know the present ones. */
class ClusterNodesTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Vertx vertx = Vertx.vertx();
    private final List<String> endpoints = new ArrayList<>();

    @AfterEach
    void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void nodeInContactWithMostMastersIsBelieved() {
        node("old", nodes("fail?"));
        node("older", nodes("fail"));
        node("other", nodes("connected"));
        assertThat(master()).isEqualTo("other");
    }

    @Test
    void nodeThatIsCutOffIsBelievedIfThereIsNoOther() {
        node("old", nodes("fail?"));
        node("older", nodes("fail"));
        assertThat(master()).isEqualTo("old");
    }

    @Test
    void nodeThatIsLoadingIsNotBelieved() {
        node("old", "-LOADING Redis is loading the dataset in memory\r\n");
        node("other", nodes("connected"));
        assertThat(master()).isEqualTo("other");
    }

    @Test
    void nodeThatDoesNotTellOfItsContactsIsBelieved() {
        node("first", "-NOPERM no permissions to run 'cluster|nodes'\r\n");
        node("other", nodes("connected"));
        assertThat(master()).isEqualTo("first");
    }

    private String master() {
        ClusterNodes nodes = new ClusterNodes(vertx, new RedisOptions().setEndpoints(endpoints), PATIENCE, PATIENCE);
        return nodes.ask()
                .toCompletionStage()
                .toCompletableFuture()
                .orTimeout(60, TimeUnit.SECONDS)
                .join()
                .masters()
                .get(0)
                .id();
    }

    /** Returns the reply of the first of three masters, with a flag of the others. */
    private static String nodes(String flag) {
        String nodes = "a 127.0.0.1:1@2 myself,master - 0 0 1 connected 0-9\nb 127.0.0.1:3@4 master," + flag
                + " - 0 0 2 connected 10\nc 127.0.0.1:5@6 master," + flag + " - 0 0 3 connected 11\n";
        return "$" + nodes.length() + "\r\n" + nodes + "\r\n";
    }

    /** Starts a node that tells of one master. */
    private void node(String master, String contacts) {
        String slots = "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:1\r\n$" + master.length() + "\r\n"
                + master + "\r\n";
        NetServer server = vertx.createNetServer()
                .connectHandler(socket -> socket.handler(bytes -> {
                    String command = bytes.toString();
                    if (command.contains("SLOTS")) {
                        socket.write(slots);
                    } else if (command.contains("NODES")) {
                        socket.write(contacts);
                    } else {
                        socket.write(command.contains("HELLO") ? "-ERR unknown command\r\n" : "+PONG\r\n");
                    }
                }))
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .join();
        endpoints.add("redis://127.0.0.1:" + server.actualPort());
    }
}
