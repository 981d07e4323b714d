package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.Source;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Queue;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Streams in memory. A command is executed, and later answered, when the test says so. Entries have their own ID as
 * payload.
 */
public final class SimulatedStreams implements StreamCommands {

    static {
        // Mutiny looks up its context manager at the first use, which fails if two tests do so at the same time.
        Uni.createFrom().emitter(emitter -> {}).subscribe().with(item -> {});
    }

    /** What Redis tells of a key; without one, the number of a beat. */
    public record Notification(@Nullable Channel channel, String event) {}

    /** The number of entries that are too large. */
    private static final long LARGE = 7;

    /** A number for which no client of Centrifugo's has an offset. */
    private static final long UNNAMEABLE = 5_000;

    /** The number of entries that are longer than outboxes of tests. */
    private static final long LONG = 11;

    private static final int LONG_BYTES = 20_000;

    private record Command(Supplier<Runnable> execution, Runnable failure) {}

    /** The entries of each stream. */
    public final Map<Channel, TreeSet<EntryId>> streams = new HashMap<>();

    /** The notifications that have not been heard yet. */
    public final Queue<Notification> notifications = new ArrayDeque<>();

    private final Queue<Command> commands = new ArrayDeque<>();
    private final Queue<Runnable> replies = new ArrayDeque<>();
    private final Queue<Long> beats = new ArrayDeque<>();
    private long newestBeat;
    private long clock = 1_000;

    /** The number of ranges that are being read. */
    public int ranges;

    /** The number of ranges that have been read or are being read. */
    public int rangesRead;

    /** Returns a reader of these streams. */
    public StreamReader reader(
            Source source, Registry registry, DeliveryDispatcher deliveries, Consumer<StreamGap> onGap) {
        return new StreamReader(
                source,
                registry,
                deliveries,
                this,
                new ReadLimits(2, 5, 100, Duration.ofMillis(1), Duration.ofMillis(2), Duration.ofDays(1)),
                onGap,
                new StreamMeters(TestOutboxFactory.OWN_STREAMS, new SimpleMeterRegistry()));
    }

    public EntryId add(Channel channel, int maxLength) {
        return add(channel, maxLength, 0);
    }

    /** Adds an entry that is too large to be delivered. */
    public EntryId addLarge(Channel channel) {
        return add(channel, Integer.MAX_VALUE, LARGE);
    }

    /** Adds an entry that is longer than outboxes of tests. */
    public EntryId addLong(Channel channel) {
        return add(channel, Integer.MAX_VALUE, LONG);
    }

    /** Adds an entry that clients of Centrifugo's can't name. */
    public EntryId addUnnameable(Channel channel) {
        return add(channel, Integer.MAX_VALUE, UNNAMEABLE);
    }

    /** Whether clients of Centrifugo's can name the entry. */
    public static boolean isNameable(EntryId id) {
        return id.number() != UNNAMEABLE;
    }

    /** Whether the entry is too large to be delivered. */
    public static boolean isLarge(EntryId id) {
        return id.number() == LARGE;
    }

    private EntryId add(Channel channel, int maxLength, long number) {
        EntryId id = new EntryId(++clock, number);
        TreeSet<EntryId> entries = streams.computeIfAbsent(channel, x -> new TreeSet<>());
        entries.add(id);
        while (entries.size() > maxLength) {
            entries.pollFirst();
        }
        notifications.add(new Notification(channel, "xadd"));
        return id;
    }

    public void delete(Channel channel) {
        if (streams.remove(channel) != null) {
            notifications.add(new Notification(channel, "del"));
        }
    }

    /** Sends a beat. */
    public void beat(StreamReader reader) {
        reader.beatFollows(++newestBeat);
        beats.add(newestBeat);
    }

    /** Executes the oldest beat; returns false if there is none. */
    public boolean executeBeat() {
        Long beat = beats.poll();
        if (beat != null) {
            notifications.add(new Notification(null, beat.toString()));
        }
        return beat != null;
    }

    /** Loses everything that is to be heard. */
    public void interrupt() {
        notifications.clear();
        beats.clear();
    }

    /** Passes on what was heard in one read. */
    public static void hear(StreamReader reader, List<Notification> heard) {
        for (Notification one : heard) {
            if (one.channel() == null) {
                reader.read();
                reader.beatHeard(Long.parseLong(one.event()));
            } else {
                reader.heard(one.channel(), one.event());
            }
        }
        reader.read();
    }

    /** Executes the oldest command; returns false if there is none. */
    public boolean execute() {
        Command command = commands.poll();
        if (command == null) {
            return false;
        }
        replies.add(command.execution().get());
        return true;
    }

    /** Lets the oldest reply arrive; returns false if there is none. */
    public boolean reply() {
        Runnable reply = replies.poll();
        if (reply == null) {
            return false;
        }
        reply.run();
        return true;
    }

    /** Fails the oldest command. */
    public void fail() {
        Command command = commands.poll();
        if (command != null) {
            command.failure().run();
        }
    }

    @Override
    public Uni<List<Entry>> range(Channel channel, EntryId from, int count) {
        ranges++;
        rangesRead++;
        return command(() -> {
                    List<Entry> found = new ArrayList<>();
                    for (EntryId id : entries(channel).tailSet(from, true)) {
                        if (found.size() < count) {
                            byte[] payload = id.toString().getBytes(StandardCharsets.US_ASCII);
                            payload = id.number() == LONG ? Arrays.copyOf(payload, LONG_BYTES) : payload;
                            found.add(new Entry(id, isLarge(id) ? null : payload, payload.length, payload.length));
                        }
                    }
                    return found;
                })
                .onTermination()
                .invoke(() -> ranges--);
    }

    @Override
    public Uni<EntryId> newest(Channel channel) {
        return command(() ->
                entries(channel).isEmpty() ? EntryId.ZERO : entries(channel).last());
    }

    private NavigableSet<EntryId> entries(Channel channel) {
        return streams.getOrDefault(channel, new TreeSet<>());
    }

    private <T> Uni<T> command(Supplier<T> execution) {
        return Uni.createFrom()
                .emitter((UniEmitter<? super T> emitter) -> commands.add(new Command(
                        () -> {
                            T result = execution.get();
                            return () -> emitter.complete(result);
                        },
                        () -> emitter.fail(new IOException("the connection is lost")))));
    }
}
