package dev.sluice.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ConnectionTest {

    private final RecordingFrameWriter writer = new RecordingFrameWriter();
    private final List<Disconnected> told = new ArrayList<>();

    @Test
    void disconnectClosesTheSocketAndFiresOneEvent() {
        Connection connection = connection(told::add);
        connection.disconnect(Disconnect.OPERATOR);
        connection.disconnect(Disconnect.GOING_AWAY);
        assertThat(writer.closes).containsExactly(code(Disconnect.OPERATOR));
        assertThat(told).containsExactly(new Disconnected(connection, Disconnect.OPERATOR));
    }

    @Test
    void observerThatThrowsDoesNotKeepTheSocketOpen() {
        connection(event -> {
                    throw new IllegalStateException("thrown by the test");
                })
                .disconnect(Disconnect.OPERATOR);
        assertThat(writer.closes).containsExactly(code(Disconnect.OPERATOR));
    }

    @Test
    void observerThatThrowsAnErrorDoesNotKeepTheSocketOpen() {
        connection(event -> {
                    throw new Error("thrown by the test");
                })
                .disconnect(Disconnect.PEER_SILENT);
        assertThat(writer.closes).containsExactly(code(Disconnect.PEER_SILENT));
    }

    @Test
    void lastMarkThatFailsKeepsNeitherTheConnectionNorTheSocket() {
        Connection connection = connection(told::add, new Codes() {
            @Override
            public Frame mark() {
                throw new OutOfMemoryError("thrown by the test");
            }
        });
        connection.disconnect(Disconnect.OPERATOR);
        assertThat(told).containsExactly(new Disconnected(connection, Disconnect.OPERATOR));
        assertThat(writer.closes).containsExactly(code(Disconnect.OPERATOR));
    }

    private Connection connection(Consumer<Disconnected> observers) {
        return connection(observers, new Codes());
    }

    private Connection connection(Consumer<Disconnected> observers, Outbox.Owner owner) {
        Loop loop = new Loop(0, Runnable::run);
        return new Connection(
                "7", channel -> true, TestOutboxFactory.standard().open(writer, loop, owner), loop, observers);
    }

    /** Closes with codes that tell the reasons of these tests apart. */
    private static class Codes implements Outbox.Owner {
        @Override
        public void failed(Disconnect reason) {
            throw new AssertionError(reason);
        }

        @Override
        public Close closeFor(Disconnect reason) {
            return new Close(code(reason), "");
        }
    }

    private static int code(Disconnect reason) {
        return 4000 + reason.tag().length();
    }
}
