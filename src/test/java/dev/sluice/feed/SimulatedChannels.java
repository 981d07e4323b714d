package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Subscriptions by name of a pod, and their connection to a simulated Redis, for tests of other packages. */
public final class SimulatedChannels {

    /** A command that Redis has not executed yet. */
    private record Command(boolean subscribes, List<String> names) {}

    private final ChannelSubscriptions channels;
    private final Queue<Command> commands = new ArrayDeque<>();
    private final Set<String> subscribed = new HashSet<>();
    private ChannelSubscriptions.@Nullable Link link;
    private boolean hurries;

    /**
     * Creates subscriptions without a connection.
     *
     * @param nanos the time
     * @param after runs an action after some milliseconds
     */
    public SimulatedChannels(
            Duration linger, int maxLingering, LongSupplier nanos, BiConsumer<Long, Runnable> after, Executor thread) {
        channels = new ChannelSubscriptions(
                new ChannelSubscriptions.Bounds(1000, linger, maxLingering),
                new Time() {
                    @Override
                    public Instant now() {
                        return Instant.EPOCH;
                    }

                    @Override
                    public long nanos() {
                        return nanos.getAsLong();
                    }

                    @Override
                    public Runnable after(Duration delay, Runnable action) {
                        after.accept(delay.toMillis(), action);
                        return () -> {};
                    }
                },
                thread);
    }

    public WantedChannels channels() {
        return channels;
    }

    /**
     * Makes a connection.
     *
     * @param then called when Redis has acknowledged all channels that have been wanted before
     */
    public void connect(Runnable then) {
        ChannelSubscriptions.Link made = new ChannelSubscriptions.Link() {
            @Override
            public void subscribe(List<String> names) {
                commands.add(new Command(true, names));
            }

            @Override
            public void unsubscribe(List<String> names) {
                commands.add(new Command(false, names));
            }

            @Override
            public void hurry() {
                hurries = true;
            }
        };
        link = made;
        channels.connected(made, then);
    }

    /** Ends the connection. */
    public void disconnect() {
        commands.clear();
        subscribed.clear();
        channels.disconnected(Objects.requireNonNull(link));
    }

    /** Whether clients have waited for a tick since the last call. */
    public boolean hurries() {
        boolean hurried = hurries;
        hurries = false;
        return hurried;
    }

    /** Whether Redis sends this connection the publications of a channel. */
    public boolean hears(String name) {
        return subscribed.contains(name);
    }

    /** Lets Redis execute the next command; returns the acknowledgements, to be run where the pod reads them. */
    public List<Runnable> execute() {
        Command command = commands.poll();
        List<Runnable> acknowledged = new ArrayList<>();
        for (String name : command == null ? List.<String>of() : command.names()) {
            if (Objects.requireNonNull(command).subscribes()) {
                subscribed.add(name);
                acknowledged.add(() -> channels.subscribed(name));
            } else {
                subscribed.remove(name);
                acknowledged.add(() -> channels.unsubscribed(name));
            }
        }
        return acknowledged;
    }
}
