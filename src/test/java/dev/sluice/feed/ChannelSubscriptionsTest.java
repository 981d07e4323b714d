package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Histories;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@Execution(ExecutionMode.CONCURRENT)
class ChannelSubscriptionsTest {

    private static final Duration LINGER = Duration.ofSeconds(30);

    private final SimulatedTime time = new SimulatedTime();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final List<String> answered = new ArrayList<>();
    private final List<Runnable> releases = new ArrayList<>();
    private final List<String> left = new ArrayList<>();
    private ChannelSubscriptions channels = with(1000, 100);

    private ChannelSubscriptions with(int maxChannels, int maxLingering) {
        ChannelSubscriptions made = new ChannelSubscriptions(
                new ChannelSubscriptions.Bounds(maxChannels, LINGER, maxLingering), time, tasks::add);
        made.whenUnsubscribed(left::add);
        return made;
    }

    /** A server, which executes commands and sends their answers when it is told to. */
    private static class Server implements ChannelSubscriptions.Link {

        final List<String> commands = new ArrayList<>();
        final Queue<Runnable> unexecuted = new ArrayDeque<>();
        final Queue<Runnable> unread = new ArrayDeque<>();
        final Set<String> subscribed = new HashSet<>();
        final ChannelSubscriptions of;
        int unacknowledged;

        Server(ChannelSubscriptions of) {
            this.of = of;
        }

        @Override
        public void subscribe(List<String> names) {
            assertThat(names).hasSizeBetween(1, CommandWindow.SLICE).doesNotHaveDuplicates();
            unacknowledged += names.size();
            assertThat(unacknowledged).isLessThanOrEqualTo(CommandWindow.SIZE);
            commands.add("+" + (names.size() > 3 ? names.size() : names));
            unexecuted.add(() -> names.forEach(name -> {
                assertThat(subscribed.add(name)).as("it was not subscribed").isTrue();
                unread.add(() -> {
                    unacknowledged--;
                    of.subscribed(name);
                });
            }));
        }

        @Override
        public void unsubscribe(List<String> names) {
            assertThat(names).hasSizeBetween(1, CommandWindow.SLICE).doesNotHaveDuplicates();
            commands.add("-" + (names.size() > 3 ? names.size() : names));
            unexecuted.add(() -> names.forEach(name -> {
                assertThat(subscribed.remove(name)).as("it was subscribed").isTrue();
                unread.add(() -> assertThat(of.unsubscribed(name)).isTrue());
            }));
        }

        void answer() {
            while (step(unexecuted) || step(unread)) {
                // The next one.
            }
        }
    }

    private static boolean step(Queue<Runnable> queue) {
        Runnable next = queue.poll();
        if (next != null) {
            next.run();
        }
        return next != null;
    }

    private void runTasks() {
        while (step(tasks)) {
            // The next one.
        }
    }

    private Server connect() {
        Server server = new Server(channels);
        channels.connected(server, () -> answered.add("started"));
        return server;
    }

    /** Tasks run one by one, as on an event loop. */
    private void settle(Server server) {
        do {
            runTasks();
            server.answer();
        } while (!tasks.isEmpty());
    }

    private void join(String... names) {
        channels.join(List.of(names), release -> {
            answered.add(release == null ? "refused" : String.join(" ", names));
            if (release != null) {
                releases.add(release);
            }
        });
    }

    private void listen(String name) {
        channels.wanted(name);
        releases.forEach(Runnable::run);
        releases.clear();
    }

    @Test
    void answersOnlyAfterTheAcknowledgementOfEachChannel() {
        Server server = connect();
        join("a", "b");
        runTasks();
        assertThat(server.commands).containsExactly("+[a, b]");
        assertThat(answered).containsExactly("started");
        step(server.unexecuted);
        step(server.unread);
        assertThat(answered).containsExactly("started");
        step(server.unread);
        assertThat(answered).containsExactly("started", "a b");
    }

    @Test
    void requestsThatComeTogetherShareCommandsOfBoundedLength() {
        Server server = connect();
        channels = server.of;
        IntStream.range(0, 3000).forEach(i -> channels.wanted("u" + i));
        runTasks();
        assertThat(server.commands).containsExactly("+256", "+256", "+256", "+256");
        settle(server);
        assertThat(server.subscribed).hasSize(3000);
        assertThat(server.commands).hasSize(12);
    }

    @Test
    void channelOfAReturningClientCostsNoCommand() {
        Server server = connect();
        join("a");
        settle(server);
        listen("a");
        channels.unwanted("a");
        settle(server);
        assertThat(channels.lingering()).isEqualTo(1);
        time.pass(LINGER.minusMillis(1));
        join("a");
        settle(server);
        listen("a");
        settle(server);
        time.pass(LINGER.multipliedBy(2));
        settle(server);
        assertThat(answered).containsExactly("started", "a", "a");
        assertThat(server.commands).containsExactly("+[a]");
        assertThat(channels.subscribed()).isEqualTo(1);
    }

    @Test
    void channelWithoutListenersEndsAfterItsLinger() {
        Server server = connect();
        join("a");
        join("b");
        settle(server);
        listen("a");
        channels.wanted("b");
        channels.unwanted("a");
        channels.unwanted("b");
        settle(server);
        time.pass(LINGER.plusMillis(100));
        settle(server);
        assertThat(server.commands).containsExactly("+[a, b]", "-[a, b]");
        assertThat(left).containsExactly("a", "b");
        assertThat(channels.subscribed() + channels.pending() + channels.lingering())
                .isZero();
    }

    @Test
    void reservedChannelDoesNotLingerBeforeItsListenerIsKnown() {
        Server server = connect();
        join("a");
        settle(server);
        time.pass(LINGER.multipliedBy(10));
        settle(server);
        assertThat(server.subscribed).containsExactly("a");
        releases.forEach(Runnable::run);
        settle(server);
        time.pass(LINGER.plusMillis(100));
        settle(server);
        assertThat(server.subscribed).isEmpty();
    }

    @Test
    void moreThanTheMaximumDoNotLinger() {
        channels = with(1000, 2);
        Server server = connect();
        List.of("a", "b", "c").forEach(channels::wanted);
        settle(server);
        List.of("a", "b", "c").forEach(channels::unwanted);
        settle(server);
        assertThat(server.subscribed).containsExactlyInAnyOrder("b", "c");
    }

    @Test
    void clientsCannotAddMoreChannelsThanTheMaximum() {
        channels = with(2, 100);
        Server server = connect();
        join("a", "b");
        settle(server);
        channels.wanted("a");
        listen("b");
        join("a", "c");
        join("a", "b");
        settle(server);
        assertThat(answered).containsExactly("started", "a b", "refused", "a b");
        releases.forEach(Runnable::run);
        channels.unwanted("a");
        join("c");
        settle(server);
        assertThat(answered.get(4)).as("lingering ones do not count").isEqualTo("c");
    }

    @Test
    void interruptionAnswersWaitingRequestsAndSubscribesAgainBeforeTheFeedIsLive() {
        Server first = connect();
        channels.wanted("a");
        channels.wanted("b");
        settle(first);
        channels.unwanted("b");
        join("c");
        runTasks();
        channels.disconnected(first);
        assertThat(answered).containsExactly("started");
        runTasks();
        assertThat(answered).as("the gap is known by now").containsExactly("started", "c");
        first.answer();
        Server second = connect();
        runTasks();
        second.answer();
        assertThat(answered).containsExactly("started", "c", "started");
        assertThat(second.subscribed).containsExactlyInAnyOrder("a", "c");
        channels.disconnected(first);
        join("a");
        runTasks();
        assertThat(answered.get(3)).isEqualTo("a");
    }

    @Test
    void redisThatAcknowledgesNothingIsNoticed() {
        Server server = connect();
        channels.wanted("a");
        runTasks();
        assertThat(channels.isStuck(3)).isFalse();
        assertThat(channels.isStuck(3)).isFalse();
        assertThat(channels.isStuck(3)).isTrue();
        settle(server);
        assertThat(channels.isStuck(1)).isFalse();
        assertThat(channels.isStuck(1)).isFalse();
    }

    @Test
    void acknowledgementOfAnEarlierSubscriptionDoesNotCount() {
        Server server = connect();
        ChannelSubscriptions homeless = with(1000, 100);
        join("a");
        runTasks();
        channels.expel("a", homeless);
        homeless.move("a", channels);
        runTasks();
        assertThat(server.commands).containsExactly("+[a]", "-[a]", "+[a]");
        step(server.unexecuted);
        step(server.unread);
        assertThat(channels.holds("a")).isFalse();
        server.answer();
        assertThat(channels.holds("a")).isTrue();
    }

    @Test
    void acknowledgementOfAChannelThatHasMovedEndsItsSubscription() {
        Server server = connect();
        join("a");
        runTasks();
        channels.move("a", with(1000, 100));
        server.answer();
        assertThat(server.commands).containsExactly("+[a]", "-[a]");
    }

    @Test
    void requestWaitsForTheFirstConnection() {
        channels.opens();
        join("a");
        runTasks();
        assertThat(answered).isEmpty();
        Server server = connect();
        settle(server);
        assertThat(answered).containsExactly("a", "started");
    }

    @Test
    void requestIsAnsweredWhenTheFirstConnectionFails() {
        channels.opens();
        join("a");
        runTasks();
        channels.giveUp();
        runTasks();
        join("b");
        runTasks();
        assertThat(answered).containsExactly("a", "b");
    }

    @Test
    void channelThatFindsNoConnectionDoesNotAnswerForTheOthersOfItsRequest() {
        Server server = connect();
        join("a", "b");
        runTasks();
        channels.move("a", with(1000, 100));
        runTasks();
        assertThat(answered).as("b is not acknowledged").containsExactly("started");
        settle(server);
        assertThat(answered).containsExactly("started", "a b");
    }

    @Test
    void failureToConnectDoesNotAnswerForAChannelThatHasMoved() {
        ChannelSubscriptions other = with(1000, 100);
        Server server = new Server(other);
        other.connected(server, () -> {});
        channels.opens();
        join("a", "b");
        runTasks();
        channels.move("b", other);
        channels.giveUp();
        runTasks();
        assertThat(answered).as("b is not acknowledged").isEmpty();
        settle(server);
        assertThat(answered).containsExactly("a b");
    }

    @Test
    void endOfAConnectionDoesNotAnswerForAChannelThatHasMoved() {
        Server first = connect();
        ChannelSubscriptions other = with(1000, 100);
        Server second = new Server(other);
        other.connected(second, () -> {});
        join("a", "b");
        runTasks();
        channels.move("b", other);
        channels.disconnected(first);
        runTasks();
        assertThat(answered).as("b is not acknowledged").containsExactly("started");
        settle(second);
        assertThat(answered).containsExactly("started", "a b");
    }

    @Test
    void endThatWasNotAskedForIsNoticed() {
        Server server = connect();
        channels.wanted("a");
        settle(server);
        assertThat(channels.unsubscribed("a")).isFalse();
    }

    /**
     * Random clients, servers and interruptions: while the feed is live, each client that was answered is subscribed at
     * the server.
     */
    @Test
    void answeredClientsAreSubscribedWhileTheFeedIsLive() {
        List<String> failed = LongStream.range(0, Histories.of(4_000))
                .mapToObj(seed -> {
                    try {
                        new History(seed).play();
                        return "";
                    } catch (AssertionError | RuntimeException e) {
                        return "seed " + seed + ": " + e;
                    }
                })
                .filter(failure -> !failure.isEmpty())
                .toList();
        assertThat(failed).isEmpty();
    }

    /** Event loops of clients, the feed's thread, and servers, which do one thing after the other at random. */
    private static final class History {

        private static final int NAMES = 5;
        private static final int STEPS = 600;

        private final Random random;
        private final SimulatedTime time = new SimulatedTime();
        private final Queue<Runnable> feed = new ArrayDeque<>();
        private final Queue<Runnable> loop = new ArrayDeque<>();
        private final Duration linger;
        private final ChannelSubscriptions channels;

        /** The number of clients that listen to each channel. */
        private final Map<String, Integer> listeners = new HashMap<>();

        private final List<String> clients = new ArrayList<>();
        private @Nullable Server server;
        private @Nullable Server live;
        private int asked;
        private int told;

        History(long seed) {
            this.random = new Random(seed);
            this.linger = Duration.ofMillis(random.nextInt(3) * 100L);
            this.channels = new ChannelSubscriptions(
                    new ChannelSubscriptions.Bounds(1000, linger, random.nextInt(4)), time, feed::add);
        }

        void play() {
            for (int i = 0; i < STEPS; i++) {
                switch (random.nextInt(10)) {
                    case 0 -> come();
                    case 1 -> leave();
                    case 2, 3 -> step(feed);
                    case 4 -> step(loop);
                    case 5 -> time.pass(Duration.ofMillis(random.nextInt(60)));
                    case 6, 7 -> executes();
                    case 8 -> reads();
                    default -> {
                        if (random.nextInt(8) == 0) {
                            changeConnection();
                        }
                    }
                }
                check();
            }
            end();
        }

        private void come() {
            Set<String> names = new HashSet<>();
            for (int i = random.nextInt(3); i >= 0; i--) {
                names.add("c" + random.nextInt(NAMES));
            }
            asked++;
            channels.join(
                    names,
                    release -> loop.add(() -> {
                        told++;
                        if (random.nextInt(8) > 0) {
                            names.forEach(this::listen);
                        }
                        release.run();
                    }));
        }

        private void listen(String name) {
            clients.add(name);
            if (listeners.merge(name, 1, Integer::sum) == 1) {
                channels.wanted(name);
            }
        }

        private void leave() {
            if (!clients.isEmpty()) {
                String name = clients.remove(random.nextInt(clients.size()));
                if (listeners.merge(name, -1, Integer::sum) == 0) {
                    channels.unwanted(name);
                }
            }
        }

        private void executes() {
            if (server != null) {
                step(server.unexecuted);
            }
        }

        private void reads() {
            if (server != null) {
                step(server.unread);
            }
        }

        private void changeConnection() {
            Server ended = server;
            live = null;
            if (ended == null) {
                connectAnew();
            } else {
                server = null;
                channels.disconnected(ended);
            }
        }

        private Server connectAnew() {
            Server made = new Server(channels);
            server = made;
            channels.connected(made, () -> live = made);
            return made;
        }

        private void check() {
            if (live != null && !live.subscribed.containsAll(clients)) {
                throw new AssertionError("only " + live.subscribed + " are subscribed, not " + clients);
            }
        }

        private void end() {
            Server last = server == null ? connectAnew() : server;
            while (step(feed) || step(loop) || step(last.unexecuted) || step(last.unread)) {
                check();
            }
            assertThat(told).as("answered").isEqualTo(asked);
            assertThat(live).isSameAs(last);
            while (!clients.isEmpty()) {
                leave();
            }
            for (int i = 0; i < 10; i++) {
                time.pass(Duration.ofSeconds(1));
                while (step(feed) || step(last.unexecuted) || step(last.unread)) {
                    check();
                }
            }
            assertThat(last.subscribed).isEmpty();
            assertThat(channels.subscribed() + channels.pending() + channels.lingering())
                    .isZero();
        }
    }
}
