package dev.sluice.session;

import dev.sluice.clock.EntryId;
import dev.sluice.clock.Since;
import dev.sluice.history.Replay.Reason;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Deferral;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.StreamReader.Standing;
import dev.sluice.stream.StreamReplay;
import dev.sluice.stream.StreamReplay.Check;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Starts the delivery of streams to new clients. The answer to a client waits until the cursors of its channels are set, so
 * that it gets every later entry, and until it is known whether it can resume; but not for long, because clients connect
 * while Redis is down, too. Every method is to be called on the connection's event loop.
 */
@Singleton
final class StreamOpenings {

    private static final long MAX_WAIT_MILLIS = 2_000;

    /** Longer, because a client that can't resume fetches its state. */
    private static final long MAX_RESUME_WAIT_MILLIS = 10_000;

    private final Registry registry;
    private final StreamReader reader;
    private final StreamReplay replays;
    private final ReplaySender sender;
    private final StreamSubscriptions subscriptions;
    private final ResumeMeters meters;

    StreamOpenings(
            Registry registry,
            StreamReader reader,
            StreamReplay replays,
            ReplaySender sender,
            StreamSubscriptions subscriptions,
            ResumeMeters meters) {
        this.registry = registry;
        this.reader = reader;
        this.replays = replays;
        this.sender = sender;
        this.subscriptions = subscriptions;
        this.meters = meters;
    }

    /**
     * Starts the delivery of all channels to a new client without positions.
     *
     * @param own the user's channels
     * @param answer run before anything is delivered
     */
    void await(Client client, List<Channel> own, Runnable answer) {
        List<Channel> streams = own.stream()
                .filter(channel -> channel.route().source().readsStreams())
                .toList();
        if (streams.isEmpty()) {
            answer.run();
            return;
        }
        client.waits(true);
        Awaited awaited = new Awaited(client, new HashSet<>(streams), answer);
        streams.forEach(channel -> join(client, channel, () -> awaited.stands(channel)));
        sender.limit(client, MAX_WAIT_MILLIS, awaited::start);
    }

    /** Runs the action on the client's event loop when the cursor of the channel is set. */
    private void join(Client client, Channel channel, Runnable action) {
        reader.join(
                channel,
                standing -> ReplaySender.onLoop(client, () -> {
                    if (standing == null) {
                        sender.later(client, ReplaySender.REDIS_MILLIS, () -> join(client, channel, action));
                    } else {
                        action.run();
                    }
                }));
    }

    /** A new client without positions, and its channels whose cursors are not set yet. */
    private final class Awaited {

        private final Client client;
        private final Set<Channel> missing;
        private final Runnable answer;

        /** When the client was answered; {@code null} before. */
        private @Nullable Instant started;

        Awaited(Client client, Set<Channel> missing, Runnable answer) {
            this.client = client;
            this.missing = missing;
            this.answer = answer;
        }

        void stands(Channel channel) {
            missing.remove(channel);
            if (started != null) {
                // What was added since then may not be delivered.
                client.connection().send(client.dialect().gap(channel, started, Instant.now()));
            } else if (missing.isEmpty()) {
                start();
            }
        }

        void start() {
            if (started == null) {
                started = Instant.now();
                client.cancelTimer();
                answer.run();
                registry.start(client.connection());
                client.waits(false);
            }
        }
    }

    /**
     * Starts the delivery of streams that a new client hears.
     *
     * @param since what it has received; {@code null} if it has named nothing
     * @param answer called once, if the connection does not end first
     */
    void begin(Client client, List<Channel> streams, @Nullable Since since, Consumer<Opened> answer) {
        Connection connection = client.connection();
        Opened opened = new Opened(client, since, answer);
        streams.forEach(channel -> {
            Deferral deferral = registry.defer(connection, channel);
            if (deferral != null) {
                opened.deferrals.put(channel, deferral);
            }
        });
        if (since != null) {
            connection.hold();
        }
        connection.waits(true);
        client.waits(true);
        sender.limit(client, since == null ? MAX_WAIT_MILLIS : MAX_RESUME_WAIT_MILLIS, opened::answer);
        opened.deferrals.forEach((channel, deferral) -> {
            EntryId last = opened.last(channel);
            if (last == null) {
                reader.join(channel, standing -> ReplaySender.onLoop(client, () -> opened.stands(channel, standing)));
            } else {
                replays.check(
                        channel, last, check -> ReplaySender.onLoop(client, () -> opened.checked(channel, check)));
            }
        });
    }

    /** The streams that a new client hears, and what is known of them when it is answered. */
    final class Opened {

        private final Client client;
        private final @Nullable Since since;
        private final Consumer<Opened> answer;
        private final Map<Channel, Deferral> deferrals = new LinkedHashMap<>();

        /** Where the cursors of channels are that the client does not resume; {@code null} where Redis does not answer. */
        private final Map<Channel, @Nullable Standing> standings = new HashMap<>();

        /** What the client gets of channels that it resumes; {@code null} where Redis does not answer. */
        private final Map<Channel, @Nullable Check> checks = new HashMap<>();

        /** Whether everything up to the cursors has been handed to the event loop, and nothing after them delivered. */
        private boolean current;

        private boolean answered;

        private Opened(Client client, @Nullable Since since, Consumer<Opened> answer) {
            this.client = client;
            this.since = since;
            this.answer = answer;
        }

        private @Nullable EntryId last(Channel channel) {
            return since == null ? null : since.entry(channel.name());
        }

        private void stands(Channel channel, @Nullable Standing standing) {
            if (!answered) {
                standings.put(channel, standing);
                answerIfKnown();
            }
        }

        private void checked(Channel channel, @Nullable Check check) {
            if (!answered) {
                checks.put(channel, check);
                meters.resumed(
                        recovers(channel)
                                ? null
                                : check == null || check.connected() ? Reason.UNKNOWN : Reason.TOO_OLD);
                answerIfKnown();
            }
        }

        private boolean recovers(Channel channel) {
            Check check = checks.get(channel);
            return check != null && check.connected() && StreamSubscriptions.isRecoverable(channel);
        }

        private void answerIfKnown() {
            if (standings.size() + checks.size() < deferrals.size()) {
                return;
            }
            if (standings.isEmpty()) {
                answer();
                return;
            }
            List<Channel> begin = List.copyOf(standings.keySet());
            // Each of them may be the first of which newer entries would be delivered.
            reader.standings(
                    begin,
                    found -> begin.forEach(channel -> ReplaySender.onLoop(
                            Objects.requireNonNull(deferrals.get(channel)), client, () -> answer(found))));
        }

        private void answer(Map<Channel, Standing> found) {
            if (!answered) {
                standings.replaceAll((channel, before) -> found.get(channel));
                current = true;
                answer();
                current = false;
            }
        }

        private void answer() {
            if (!answered) {
                answered = true;
                client.cancelTimer();
                answer.accept(this);
                client.waits(false);
            }
        }

        /** Whether the client gets everything that it missed. */
        boolean recovers() {
            return deferrals.keySet().stream().allMatch(this::recovers);
        }

        /** Returns the last entries before delivery begins, as far as they are known. */
        Map<Channel, EntryId> entries() {
            Map<Channel, EntryId> entries = new LinkedHashMap<>();
            deferrals.keySet().forEach(channel -> {
                EntryId last = last(channel);
                Standing standing = standings.get(channel);
                Check check = checks.get(channel);
                if (last != null) {
                    entries.put(channel, check == null || check.connected() ? last : check.after());
                } else if (standing != null) {
                    entries.put(channel, standing.after());
                }
            });
            return entries;
        }

        /** Delivers the entries; to be called after the client has been answered. */
        void proceed() {
            client.connection().waits(false);
            deferrals.forEach((channel, deferral) -> {
                EntryId last = last(channel);
                Standing standing = standings.get(channel);
                if (last != null) {
                    subscriptions.resume(client, channel, deferral, last, !recovers(channel));
                } else if (standing == null) {
                    subscriptions.follow(client, channel, deferral, Instant.now());
                } else if (current) {
                    deferral.end(standing.sequence());
                } else {
                    subscriptions.resume(
                            client, channel, deferral, standing.after().position(), false);
                }
            });
            if (since != null) {
                client.connection().release();
            }
        }
    }
}
