package dev.sluice.session;

import dev.sluice.clock.EntryId;
import dev.sluice.history.Replay.Reason;
import dev.sluice.outbox.Payload;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Deferral;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.StreamReader.Standing;
import dev.sluice.stream.StreamReplay.Slice;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Starts the delivery of channels that are read from streams to clients that keep a position for each channel, see {@link
 * ChannelDialect}. What a client missed follows the answer as publications, as fast as it reads. Every method is to be
 * called on the connection's event loop.
 */
@Singleton
final class ChannelStreams {

    /** Less than the five seconds for which the SDKs wait for an answer. */
    private static final long MAX_WAIT_MILLIS = 2_000;

    private final Registry registry;
    private final StreamReader reader;
    private final ReplaySender sender;
    private final ResumeMeters meters;

    /** Answers a request, in the same turn of the event loop. */
    interface Answer {

        /**
         * Sends the answer, unless another channel is to be answered with it.
         *
         * @param start {@code null} if Redis does not answer
         * @param follow if the answer can't be sent at once, to be run after it, once: delivers what was added since the
         *     start
         * @return whether the answer has been sent, and delivery begins
         */
        boolean send(@Nullable Start start, Runnable follow);

        /** Answers that the client has left the channel meanwhile. */
        default void left() {}
    }

    ChannelStreams(Registry registry, StreamReader reader, ReplaySender sender, ResumeMeters meters) {
        this.registry = registry;
        this.reader = reader;
        this.sender = sender;
        this.meters = meters;
    }

    /** Whether the channel is read from a stream, perhaps besides others. */
    static boolean reads(Channel channel) {
        return channel.route().source().readsStreams();
    }

    /** Runs a task when a new client has waited too long for its streams, see {@link ReplaySender#limit}. */
    void limit(Client client, Runnable task) {
        sender.limit(client, MAX_WAIT_MILLIS, task);
    }

    /**
     * Starts the delivery of a channel that the client receives from now on.
     *
     * @param asked whether the client wants to resume
     * @param since the last entry that it has; {@code null} if that is unknown
     */
    void begin(Client client, Channel channel, boolean asked, @Nullable EntryId since, Answer answer) {
        Deferral deferral = registry.defer(client.connection(), channel);
        if (deferral == null) {
            return;
        }
        Open open = new Open(client, channel, deferral, asked, answer);
        if (since == null || !StreamSubscriptions.isRecoverable(channel)) {
            open.join(Reason.UNKNOWN);
        } else {
            sender.begin(open, since);
        }
    }

    /**
     * Tells a client that entries may be lost. It subscribes again; its user's own channels start anew by themselves.
     *
     * @param reached the next delivery begins after this entry
     * @return whether the client still receives the channel
     */
    boolean lose(Connection connection, ChannelDialect dialect, Channel channel, EntryId reached) {
        boolean own = registry.own(connection).contains(channel);
        if (own) {
            connection.send(dialect.restarted(List.of(), Map.of(channel, Start.ofStream(false, reached))));
        } else {
            registry.unsubscribe(connection, channel);
            connection.forget(channel);
            connection.send(dialect.invalidated(channel));
        }
        return own;
    }

    /** A request that has been started. */
    private final class Open extends ChannelReplay {

        private final boolean asked;
        private final Answer answer;
        private boolean answered;

        Open(Client client, Channel channel, Deferral deferral, boolean asked, Answer answer) {
            super(client, channel, deferral);
            this.asked = asked;
            this.answer = answer;
        }

        /** Begins with the next entry, because the client has no position, or can't resume from it. */
        void join(Reason refusal) {
            reader.join(channel, standing -> onLoop(() -> joined(standing, refusal)));
        }

        private void joined(@Nullable Standing standing, Reason refusal) {
            if (!deferral.hears()) {
                left();
                return;
            }
            answered = true;
            if (standing == null) {
                if (answer.send(null, this::restart)) {
                    restart();
                }
                return;
            }
            count(refusal);
            EntryId after = standing.after();
            Start start = Start.ofStream(asked ? Boolean.FALSE : null, after);
            if (answer.send(start, () -> follow(after))) {
                deferral.end(standing.sequence());
            }
        }

        /** Begins with the next entry once the stream can be read, and tells the client that entries before it may be lost. */
        private void restart() {
            sender.await(client, channel, deferral, standing -> {
                if (lose(standing.after())) {
                    deferral.end(standing.sequence());
                }
            });
        }

        /** Continues after an entry, if the cursor is still there; otherwise reads what was added meanwhile. */
        private void follow(EntryId after) {
            reader.join(
                    channel,
                    standing -> onLoop(() -> {
                        if (standing != null && standing.after().equals(after)) {
                            deferral.end(standing.sequence());
                        } else {
                            sender.begin(this, after.position());
                        }
                    }));
        }

        private boolean lose(EntryId reached) {
            return ChannelStreams.this.lose(client.connection(), dialect(), channel, reached);
        }

        @Override
        boolean isAnswered() {
            return answered;
        }

        @Override
        Next before(Slice slice) {
            boolean nothing = slice.payloads().isEmpty();
            if (nothing && !answered && slice.connected() && !slice.complete()) {
                // The first entry decides.
                return Next.WAIT;
            }
            if (!nothing && !answered && mayHave(slice.payloads().get(0))) {
                join(Reason.UNKNOWN);
                return Next.STOP;
            }
            if (nothing && !slice.connected() && slice.complete()) {
                // The stream has lost the client's last entry, which must not stay its position.
                if (answered) {
                    restart();
                } else {
                    join(Reason.TOO_OLD);
                }
                return Next.STOP;
            }
            if (answered) {
                return slice.connected() || lose(progress.after()) ? Next.SEND : Next.STOP;
            }
            answered = true;
            count(slice.connected() ? null : Reason.TOO_OLD);
            EntryId at = slice.connected() || !nothing
                    ? progress.after()
                    : slice.progress().after();
            boolean begins = answer.send(Start.ofStream(slice.connected(), at), () -> follow(at));
            return begins ? Next.SEND : Next.STOP;
        }

        @Override
        void left() {
            answer.left();
        }

        @Override
        void unavailable() {
            joined(null, Reason.UNKNOWN);
        }

        /** Whether the client may have received the first entry after its last one, which it can't name. */
        private boolean mayHave(Payload first) {
            return first.id() != null && !dialect().canName(first.id());
        }

        private void count(@Nullable Reason refusal) {
            if (asked) {
                meters.resumed(refusal);
            }
        }

        private ChannelDialect dialect() {
            return ChannelCommands.dialect(client);
        }

        /** Runs a task before later publications of the channel are delivered, unless the connection has ended by then. */
        private void onLoop(Runnable task) {
            ReplaySender.onLoop(deferral, client, task);
        }
    }

    /** Returns the dialect of the connection; {@code null} if its client does not keep a position for each channel. */
    static @Nullable ChannelDialect dialect(Connection connection) {
        return Dialect.ALL.stream()
                .filter(dialect -> dialect.tag().equals(connection.protocol()))
                .filter(ChannelDialect.class::isInstance)
                .map(ChannelDialect.class::cast)
                .findFirst()
                .orElse(null);
    }
}
