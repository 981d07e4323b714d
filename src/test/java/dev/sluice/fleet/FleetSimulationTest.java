package dev.sluice.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.fleet.Answers.Answer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Simulates pods that ask each other while others are frozen, killed, lost with their machine, or stop. */
class FleetSimulationTest {

    private static final long TIMEOUT = TimeUnit.MILLISECONDS.toNanos(500);
    private static final int STEPS = 4_000;

    private record Event(long at, long order, Runnable action) {}

    private Random random = new Random(0);
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
    private final Map<String, Pod> subscribed = new LinkedHashMap<>();
    private long now;
    private long order;
    private int started;
    private int asked;
    private int complete;
    private int named;

    /** Another subscriber of the pods' channel. */
    private boolean foreigner;

    private final class Pod {
        final String id = "id-" + started;
        final String name = "pod-" + started++;
        final Members members = new Members(() -> now);
        final Map<String, Long> heardAt = new LinkedHashMap<>();
        final List<Runnable> stuck = new ArrayList<>();
        boolean frozen;
        boolean gone;
        long lastArrival;

        Member member() {
            return new Member(name, "1", Instant.EPOCH, Instant.ofEpochMilli(now / 1_000_000), 0, 0, 0, true);
        }

        void tell() {
            Member told = member();
            publish(other -> {
                if (other != this) {
                    other.members.heard(id, told);
                    other.heardAt.put(id, now);
                }
            });
        }

        /** Runs in order, after a delay of the network; a frozen pod runs it later, a pod that is gone never. */
        void receive(Runnable action) {
            lastArrival = Math.max(lastArrival, now + random.nextInt(5_000_000));
            at(lastArrival, () -> {
                if (frozen) {
                    stuck.add(action);
                } else if (!gone) {
                    action.run();
                }
            });
        }

        void thaw() {
            frozen = false;
            stuck.forEach(Runnable::run);
            stuck.clear();
        }
    }

    private void at(long time, Runnable action) {
        events.add(new Event(time, order++, action));
    }

    private int publish(Consumer<Pod> heard) {
        List.copyOf(subscribed.values()).forEach(pod -> pod.receive(() -> heard.accept(pod)));
        return subscribed.size() + (foreigner ? 1 : 0);
    }

    private Pod start() {
        Pod pod = new Pod();
        subscribed.put(pod.id, pod);
        pod.tell();
        tellLater(pod);
        return pod;
    }

    private void tellLater(Pod pod) {
        at(now + TimeUnit.MILLISECONDS.toNanos(8_000 + random.nextInt(2_000)), () -> {
            if (!pod.gone) {
                if (!pod.frozen) {
                    pod.tell();
                }
                tellLater(pod);
            }
        });
    }

    private void ask(Pod asker) {
        asked++;
        long start = now;
        int[] ends = {0};
        Set<String> receivers = new HashSet<>();
        boolean[] foreign = {foreigner};
        Inquiry inquiry = new Inquiry(asker.id, answer(asker), asker.members, true, answers -> {
            ends[0]++;
            assertThat(now - start).isLessThanOrEqualTo(TIMEOUT);
            check(asker, answers, receivers, foreign[0]);
        });
        long count = publish(pod -> {
            if (pod == asker) {
                inquiry.echoed();
            } else {
                Answer answer = answer(pod);
                // Sent to all, and sometimes replayed.
                for (int i = 0; i <= random.nextInt(2); i++) {
                    publish(hearing -> {
                        if (hearing == asker) {
                            inquiry.answered(pod.id, answer, 100);
                        }
                    });
                }
            }
        });
        receivers.addAll(subscribed.keySet());
        asker.receive(() -> inquiry.sent(count));
        at(start + TIMEOUT, () -> {
            if (!asker.frozen && !asker.gone) {
                inquiry.timeout();
                assertThat(ends[0]).isEqualTo(1);
            }
        });
    }

    private static Answer answer(Pod pod) {
        return new Answer(pod.name, JsonNodeFactory.instance.objectNode());
    }

    private void check(Pod asker, Answers answers, Set<String> receivers, boolean foreign) {
        if (asker.frozen || asker.gone) {
            return;
        }
        Pods pods = Objects.requireNonNull(answers.pods());
        Set<String> expected =
                receivers.stream().map(id -> "pod-" + id.substring(3)).collect(Collectors.toSet());
        assertThat(answers.list())
                .extracting(Answer::pod)
                .doesNotHaveDuplicates()
                .isSubsetOf(expected);
        assertThat(pods.answered()).hasSameSizeAs(answers.list());
        assertThat(pods.missing()).doesNotContainAnyElementsOf(pods.answered());
        if (pods.complete()) {
            complete++;
            assertThat(pods.answered()).containsExactlyInAnyOrderElementsOf(expected);
            assertThat(foreign)
                    .as("a foreign subscriber is never taken for a pod")
                    .isFalse();
            assertThat(pods.missing()).isEmpty();
            return;
        }
        Set<String> silent = new HashSet<>(expected);
        pods.answered().forEach(silent::remove);
        assertThat(pods.missing().size() + pods.unnamed())
                .as("nobody is left out")
                .isGreaterThanOrEqualTo(silent.size() + (foreign ? 1 : 0));
        for (String name : silent) {
            Long heard = asker.heardAt.get("id-" + name.substring(4));
            if (heard != null && now - heard <= Members.RECENT_NANOS) {
                named++;
                assertThat(pods.missing()).contains(name);
            }
        }
    }

    private void step() {
        List<Pod> pods = List.copyOf(subscribed.values());
        List<Pod> alive = pods.stream().filter(pod -> !pod.frozen && !pod.gone).toList();
        int dice = random.nextInt(400);
        if (alive.isEmpty() || (dice < 4 && pods.size() < 8)) {
            start();
            return;
        }
        Pod pod = alive.get(random.nextInt(alive.size()));
        if (dice < 7) {
            // Killed: the kernel closes its connection, so Redis no longer counts it.
            pod.gone = true;
            subscribed.remove(pod.id);
        } else if (dice < 9) {
            // The machine is lost: Redis notices later.
            pod.gone = true;
            at(now + TimeUnit.SECONDS.toNanos(random.nextInt(60)), () -> subscribed.remove(pod.id));
        } else if (dice < 12) {
            pod.frozen = true;
            at(now + TimeUnit.SECONDS.toNanos(random.nextInt(60)), pod::thaw);
        } else if (dice < 14) {
            publish(other -> other.members.left(pod.id));
            pod.gone = true;
            subscribed.remove(pod.id);
        } else if (dice < 18) {
            foreigner = dice == 14;
        } else {
            ask(pod);
        }
    }

    private void run() {
        for (int i = 0; i < 3; i++) {
            start();
        }
        for (int i = 0; i < STEPS; i++) {
            at(TimeUnit.MILLISECONDS.toNanos(700L * i), this::step);
        }
        long end = TimeUnit.MILLISECONDS.toNanos(700L * STEPS);
        for (Event event = events.poll(); event != null && event.at < end; event = events.poll()) {
            now = Math.max(now, event.at);
            event.action.run();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void answersNameWhoAnsweredAndWhoDidNot(long seed) {
        random = new Random(seed);
        run();
        assertThat(asked).isGreaterThan(1_000);
        assertThat(complete).isGreaterThan(100);
        assertThat(named).as("missing pods that were known").isGreaterThan(100);
    }

    @Test
    void killedPodIsGoneAtOnceAndFrozenPodIsMissing() {
        Pod one = start();
        Pod two = start();
        Pod three = start();
        two.gone = true;
        subscribed.remove(two.id);
        Pods pods = pods(one);
        assertThat(pods.complete()).isTrue();
        assertThat(pods.answered()).containsExactly(one.name, three.name);
        three.frozen = true;
        pods = pods(one);
        assertThat(pods.complete()).isFalse();
        assertThat(pods.missing())
                .as("Redis's count does not tell which is gone")
                .contains(three.name, two.name);
        three.thaw();
        now += 2 * Members.RECENT_NANOS;
        three.frozen = true;
        assertThat(pods(one).missing()).as("both are silent, and one is enough").hasSize(1);
        now += Members.KEPT_NANOS;
        assertThat(pods(one)).isEqualTo(new Pods(false, List.of(one.name), List.of(), 1));
    }

    @Test
    void clusterNodeCountsOnlyItsOwnSubscribers() {
        Members members = new Members(() -> now);
        members.heard("b", new Member("b", "1", Instant.EPOCH, Instant.EPOCH, 0, 0, 0, true));
        assertThat(members.pods(Map.of("a", "a"), 1, 1L, false))
                .isEqualTo(new Pods(false, List.of("a"), List.of("b"), 0));
        now += Members.RECENT_NANOS + 1;
        assertThat(members.pods(Map.of("a", "a"), 1, 1L, false).complete()).isTrue();
        assertThat(members.pods(Map.of("a", "a"), 1, null, false).complete())
                .as("without an answer of Redis")
                .isFalse();
    }

    private Pods pods(Pod asker) {
        // Lets everything arrive that is under way.
        for (Event event = events.peek(); event != null && event.at <= now + 50_000_000; event = events.peek()) {
            events.remove(event);
            now = Math.max(now, event.at);
            event.action.run();
        }
        Pods[] found = {null};
        Inquiry inquiry =
                new Inquiry(asker.id, answer(asker), asker.members, true, answers -> found[0] = answers.pods());
        inquiry.echoed();
        subscribed.values().forEach(pod -> {
            if (pod != asker && !pod.frozen) {
                inquiry.answered(pod.id, answer(pod), 1);
            }
        });
        inquiry.sent(subscribed.size());
        inquiry.timeout();
        return Objects.requireNonNull(found[0]);
    }

    @Test
    void moreAnswersThanMemoryAreCut() {
        Answers[] found = {null};
        Members members = new Members(() -> now);
        Inquiry inquiry = new Inquiry(
                "me",
                new Answer("me", JsonNodeFactory.instance.objectNode()),
                members,
                true,
                answers -> found[0] = answers);
        inquiry.sent(3);
        inquiry.echoed();
        inquiry.answered("a", new Answer("a", JsonNodeFactory.instance.objectNode()), Inquiry.MAX_BYTES);
        inquiry.answered(
                "b", new Answer("b", JsonNodeFactory.instance.objectNode().put("x", 1)), 1);
        Answers answers = Objects.requireNonNull(found[0]);
        assertThat(answers.cut()).isTrue();
        assertThat(answers.sum("x")).isZero();
        assertThat(Objects.requireNonNull(answers.pods()).complete()).isTrue();
    }

    @Test
    void rateOfQuestionsIsLimited() {
        QuestionRate rate = new QuestionRate(10, () -> now);
        for (int i = 0; i < 10; i++) {
            assertThat(rate.admit(false)).isTrue();
        }
        assertThat(rate.admit(false)).isFalse();
        now += 100_000_000;
        assertThat(rate.admit(false)).isTrue();
        assertThat(rate.admit(false)).isFalse();
    }
}
