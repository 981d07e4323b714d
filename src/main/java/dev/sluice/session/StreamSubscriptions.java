package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.EntryId;
import dev.sluice.history.Replay.Reason;
import dev.sluice.log.LimitMeter;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Deferral;
import dev.sluice.registry.Registry;
import dev.sluice.registry.Subscribed;
import dev.sluice.route.Channel;
import dev.sluice.session.PendingSubscriptions.Request;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.StreamReplay.Slice;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Subscribes clients to channels that are read from streams. The answer is sent once the cursor of the channel is set,
 * so that the client gets every later entry; then follows what it missed, as fast as it reads. Every method is to be
 * called on the connection's event loop.
 */
@Singleton
final class StreamSubscriptions {

    private final Registry registry;
    private final StreamReader reader;
    private final ReplaySender sender;
    private final ResumeMeters meters;
    private final LimitMeter tooMany;

    StreamSubscriptions(
            Registry registry, StreamReader reader, ReplaySender sender, ResumeMeters meters, MeterRegistry metrics) {
        this.registry = registry;
        this.reader = reader;
        this.sender = sender;
        this.meters = meters;
        this.tooMany = new LimitMeter("subscriptions-per-user", metrics);
    }

    /** Subscribes the client and answers its request, unless the channel is no stream or the client can't resume it. */
    boolean takes(Client client, Channel channel, Request request) {
        if (!channel.route().source().readsStreams() || client.dialect() instanceof ChannelDialect) {
            return false;
        }
        Subscribed subscribed = registry.subscribe(client.connection(), channel);
        switch (subscribed) {
            case YES, ALREADY -> subscribe(client, channel, request, subscribed == Subscribed.YES);
            case TOO_MANY -> {
                tooMany.exceeded();
                error(client, channel, ErrorCode.TOO_MANY_SUBSCRIPTIONS, "too many subscriptions", request.id());
            }
            case GONE -> {}
        }
        return true;
    }

    private void subscribe(Client client, Channel channel, Request request, boolean joined) {
        JointRequest joint = request.joint();
        EntryId since = joint == null ? null : joint.entry();
        Boolean recovered = (joint != null && joint.asked()) ? Boolean.FALSE : null;
        if (since == null && !joined) {
            // An earlier request may still be replayed, so no position is known.
            reader.join(
                    channel,
                    standing -> ReplaySender.onLoop(
                            client, () -> answer(client, channel, Start.ofStream(recovered, null), request)));
            return;
        }
        Deferral deferral = registry.defer(client.connection(), channel);
        if (deferral == null) {
            return;
        }
        if (since != null) {
            sender.begin(new Replaying(client, channel, deferral, request, false), since);
            return;
        }
        reader.join(
                channel,
                standing -> ReplaySender.onLoop(deferral, client, () -> {
                    if (standing == null) {
                        fail(client, channel, request, deferral);
                    } else if (deferral.hears()) {
                        answer(client, channel, Start.ofStream(recovered, standing.after()), request);
                        deferral.end(standing.sequence());
                    } else {
                        giveUp(client, channel, request);
                    }
                }));
    }

    /**
     * Sends a client that has been answered what it missed of a channel, then what arrived meanwhile.
     *
     * @param told whether the client knows that it may miss entries before the first ones that it gets
     */
    void resume(Client client, Channel channel, Deferral deferral, EntryId since, boolean told) {
        sender.begin(new Replaying(client, channel, deferral, null, told), since);
    }

    /** Delivers a channel to a client that has been answered, once Redis answers, and tells it what it may have missed. */
    void follow(Client client, Channel channel, Deferral deferral, Instant answered) {
        sender.await(client, channel, deferral, standing -> {
            client.connection().send(client.dialect().gap(channel, answered, Instant.now()));
            deferral.end(standing.sequence());
        });
    }

    /** A replay to a client that gets a gap where entries are lost. */
    private final class Replaying extends ChannelReplay {

        private final @Nullable Request request;
        private boolean answered;

        /** Whether the client knows that entries may be lost before the next ones. */
        private boolean told;

        /** @param request {@code null} if the client has been answered */
        Replaying(Client client, Channel channel, Deferral deferral, @Nullable Request request, boolean told) {
            super(client, channel, deferral);
            this.request = request;
            this.answered = request == null;
            this.told = told;
        }

        @Override
        boolean isAnswered() {
            return answered;
        }

        @Override
        Next before(Slice slice) {
            boolean nothing = slice.payloads().isEmpty();
            if (!answered) {
                answered = true;
                boolean recovered = slice.connected() && isRecoverable(channel);
                meters.resumed(slice.connected() ? recovered ? null : Reason.UNKNOWN : Reason.TOO_OLD);
                EntryId at = nothing && slice.complete() && !slice.connected()
                        ? slice.progress().after()
                        : null;
                answer(client, channel, Start.ofStream(recovered, at), request);
            } else if (!slice.connected() && !told) {
                Instant now = Instant.now();
                Instant since = Instant.ofEpochMilli(Math.min(
                        now.toEpochMilli(), Math.max(0, progress.after().millis())));
                client.connection().send(client.dialect().gap(channel, since, now));
            }
            told = told && nothing;
            return Next.SEND;
        }

        @Override
        void left() {
            if (deferral.hears()) {
                answer(client, channel, Start.ofStream(false, null), request);
            } else {
                giveUp(client, channel, request);
            }
        }

        @Override
        void unavailable() {
            fail(client, channel, request, deferral);
        }
    }

    /** Whether clients can get everything that they missed: no stream has what was sent by {@code PUBLISH}. */
    static boolean isRecoverable(Channel channel) {
        return !channel.route().source().hearsPublish();
    }

    private void fail(Client client, Channel channel, @Nullable Request request, Deferral deferral) {
        if (deferral.hears()) {
            registry.unsubscribe(client.connection(), channel);
            error(
                    client,
                    channel,
                    ErrorCode.UNAVAILABLE,
                    "can't read the stream now",
                    request == null ? null : request.id());
        } else {
            giveUp(client, channel, request);
        }
    }

    /** Answers a request whose client has left the channel meanwhile; without an ID, the client does not wait for that. */
    private void giveUp(Client client, Channel channel, @Nullable Request request) {
        if (request == null || request.id() == null) {
            return;
        }
        if (registry.channels(client.connection()).contains(channel)) {
            // The client has subscribed again.
            error(client, channel, ErrorCode.UNAVAILABLE, "unsubscribed", request.id());
        } else {
            client.connection().send(client.dialect().unsubscribed(channel.name(), request.id()));
        }
    }

    private static void answer(Client client, Channel channel, Start start, @Nullable Request request) {
        client.connection()
                .send(client.dialect().subscribed(channel, false, start, request == null ? null : request.id()));
        JointRequest joint = request == null ? null : request.joint();
        if (joint != null) {
            joint.answered(client, channel);
        }
    }

    private static void error(Client client, Channel channel, ErrorCode code, String message, @Nullable JsonNode id) {
        client.connection().send(client.dialect().error(code, message, channel.name(), id));
    }
}
