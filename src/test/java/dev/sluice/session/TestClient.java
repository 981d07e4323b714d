package dev.sluice.session;

import dev.sluice.clock.Position;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.span.Span;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A client without a socket. */
final class TestClient implements Client {

    private final Connection connection;
    private final Dialect dialect;
    private final PendingSubscriptions pending = new PendingSubscriptions();
    private final Queue<ChannelReplay> replays = new ArrayDeque<>();
    Span span = Span.NONE;
    Supplier<@Nullable Position> at = () -> null;
    int spent;
    private Runnable canceller = () -> {};

    TestClient(Connection connection) {
        this(connection, Dialect.V1);
    }

    TestClient(Connection connection, Dialect dialect) {
        this.dialect = dialect;
        this.connection = connection;
    }

    @Override
    public Connection connection() {
        return connection;
    }

    @Override
    public void expires(long at) {
        // It stays open after its token has expired.
    }

    @Override
    public Dialect dialect() {
        return dialect;
    }

    @Override
    public PublicationFormat format() {
        return dialect;
    }

    @Override
    public @Nullable Position at() {
        return at.get();
    }

    @Override
    public boolean isWaiting() {
        return false;
    }

    @Override
    public void waits(boolean waiting) {
        // Its requests arrive one by one.
    }

    @Override
    public void await(Runnable timer) {
        canceller = timer;
    }

    @Override
    public void cancelTimer() {
        canceller.run();
    }

    @Override
    public void spend(int bytes) {
        // It has no time limit.
        spent += bytes;
    }

    @Override
    public void inTurn(Runnable work) {
        work.run();
    }

    @Override
    public Span span() {
        return span;
    }

    @Override
    public Queue<ChannelReplay> replays() {
        return replays;
    }

    @Override
    public PendingSubscriptions pending() {
        return pending;
    }
}
