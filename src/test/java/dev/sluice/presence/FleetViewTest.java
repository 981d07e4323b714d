package dev.sluice.presence;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import dev.sluice.route.PublicationSource;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FleetViewTest {

    private static final Routes ROUTES = new Routes(List.of(new Route(
            "room",
            Audience.SUBSCRIBERS,
            Access.OPEN,
            Overflow.CLOSE,
            Retain.NONE,
            false,
            PublicationSource.PUBSUB,
            true)));
    private static final Channel ROOM = Objects.requireNonNull(ROUTES.resolve("room:1"));
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private long now;
    private int refused;

    private final class Pod implements UserTable.Audience {
        final List<String> events = new ArrayList<>();
        final UserTable table;
        final FleetView view;

        Pod(String id, boolean alone, int maxUsers, int maxKnown) {
            table = new UserTable(10 * SECOND, maxUsers, maxKnown, () -> now, this);
            view = new FleetView(id, alone, () -> now, ROUTES::resolve, () -> refused++, table);
        }

        @Override
        public int watching(Channel channel) {
            return 1;
        }

        @Override
        public void changed(Channel channel, String user, boolean present) {
            events.add((present ? "+" : "-") + user);
        }

        @Override
        public void crowded(Channel channel) {
            refused++;
        }

        @Override
        public void graceless() {
            refused++;
        }

        List<ObjectNode> messages() {
            List<ObjectNode> all = new ArrayList<>();
            for (ObjectNode next = view.next(); next != null; next = view.next()) {
                all.add(next);
                view.sent(true);
            }
            return all;
        }
    }

    private void pass(long seconds, Pod... pods) {
        for (long end = now + seconds * SECOND; now < end; ) {
            now += SECOND / 4;
            for (Pod from : pods) {
                from.view.tick(100);
                for (JsonNode message : from.messages()) {
                    for (Pod to : pods) {
                        to.view.heard(message);
                    }
                }
            }
        }
    }

    private Pod alone(int maxUsers) {
        return new Pod("alone", true, maxUsers, 100);
    }

    private Pod[] two(int maxKnown) {
        Pod[] pods = {new Pod("a", false, 100, maxKnown), new Pod("b", false, 100, maxKnown)};
        for (Pod pod : pods) {
            pod.view.live(true);
        }
        pass(5, pods);
        return pods;
    }

    @Test
    void podWithoutOthersTellsOfItsOwnUsers() {
        Pod pod = alone(10);
        pod.view.joined(ROOM, "7");
        pod.view.tick(100);
        pod.view.left(ROOM, "7");
        pod.view.joined(ROOM, "7");
        pass(20, pod);
        pod.view.left(ROOM, "7");
        pass(9, pod);
        assertThat(pod.events).containsExactly("+7");
        pass(2, pod);
        assertThat(pod.events).containsExactly("+7", "-7");
        assertThat(pod.messages()).isEmpty();
        assertThat(pod.table.isEmpty()).isTrue();
    }

    @Test
    void crowdedChannelIsSilentUntilItIsNot() {
        Pod pod = alone(10);
        for (int i = 0; i < 15; i++) {
            pod.view.joined(ROOM, "u" + i);
            pod.view.tick(100);
        }
        assertThat(pod.events).hasSize(10);
        assertThat(refused).isEqualTo(1);
        assertThat(pod.view.told(ROOM).complete()).isFalse();
        assertThat(pod.view.told(ROOM).count()).isEqualTo(15);
        pod.view.left(ROOM, "u0");
        pass(11, pod);
        assertThat(pod.events).as("14 are too many").hasSize(10);
        for (int i = 1; i < 7; i++) {
            pod.view.left(ROOM, "u" + i);
        }
        pass(11, pod);
        assertThat(pod.events.subList(10, pod.events.size()))
                .containsExactlyInAnyOrder(
                        "-u0", "-u1", "-u2", "-u3", "-u4", "-u5", "-u6", "+u10", "+u11", "+u12", "+u13", "+u14");
        assertThat(pod.view.told(ROOM).names()).containsExactly("u10", "u11", "u12", "u13", "u14", "u7", "u8", "u9");
        assertThat(pod.view.told(ROOM).complete()).isTrue();
    }

    @Test
    void podThatWouldKnowTooManyIsSilentUntilThereIsRoom() {
        Pod[] pods = two(20);
        pods[0].view.joined(ROOM, "here");
        for (int i = 0; i < 30; i++) {
            pods[1].view.joined(ROOM, "u" + i);
        }
        pass(20, pods);
        assertThat(refused).isPositive();
        assertThat(pods[0].view.told(ROOM).complete()).isFalse();
        assertThat(pods[0].table.known()).isLessThanOrEqualTo(20);
        for (int i = 5; i < 30; i++) {
            pods[1].view.left(ROOM, "u" + i);
        }
        pass(40, pods);
        assertThat(pods[0].view.told(ROOM).names()).containsExactly("here", "u0", "u1", "u2", "u3", "u4");
        assertThat(pods[0].view.told(ROOM).complete()).isTrue();
        assertThat(pods[0].events).doesNotContain("-here", "-u0");
    }

    @Test
    void repeatedAndForeignMessagesChangeNothing() {
        Pod[] pods = two(100);
        pods[1].view.joined(ROOM, "7");
        now += SECOND;
        List<ObjectNode> joined = pods[1].messages();
        joined.forEach(pods[0].view::heard);
        pods[1].view.left(ROOM, "7");
        now += SECOND;
        pods[1].messages().forEach(pods[0].view::heard);
        joined.forEach(pods[0].view::heard);
        pass(30, pods[0]);
        assertThat(pods[0].table.isPresent(ROOM, "7")).isFalse();
    }

    @Test
    void usersOfADeadPodLeaveAfterItsSilenceAndTheGrace() {
        Pod[] pods = two(100);
        pods[1].view.joined(ROOM, "7");
        pass(2, pods);
        pass(29, pods[0]);
        assertThat(pods[0].events).containsExactly("+7");
        pass(15, pods[0]);
        assertThat(pods[0].events).containsExactly("+7", "-7");
        assertThat(pods[0].table.isEmpty()).isTrue();
    }

    @Test
    void interruptionMakesNobodyLeave() {
        Pod[] pods = two(100);
        pods[1].view.joined(ROOM, "7");
        pass(2, pods);
        pods[0].view.live(false);
        pass(120, pods[0]);
        assertThat(pods[0].view.told(ROOM).complete()).isFalse();
        pods[0].view.live(true);
        pass(60, pods);
        assertThat(pods[0].events).containsExactly("+7");
        assertThat(pods[0].view.told(ROOM).complete()).isTrue();
    }

    @Test
    void listIsIncompleteWhileAPodWithoutTheSecretIsSubscribed() {
        Pod[] pods = two(100);
        pods[0].view.counted(2);
        assertThat(pods[0].view.told(ROOM).complete()).isTrue();
        pods[0].view.counted(3);
        assertThat(pods[0].view.told(ROOM).complete()).isFalse();
        Pod third = new Pod("c", false, 100, 100);
        third.view.live(true);
        pass(5, pods[0], pods[1], third);
        assertThat(pods[0].view.told(ROOM).complete()).as("it has the secret").isTrue();
        pods[0].view.stopped("c");
        assertThat(pods[0].view.told(ROOM).complete())
                .as("it is still subscribed")
                .isTrue();
        pods[0].view.counted(4);
        assertThat(pods[0].view.told(ROOM).complete()).isFalse();
        pods[0].view.counted(2);
        assertThat(pods[0].view.told(ROOM).complete()).isTrue();
    }

    @Test
    void whoWaitsForOtherPodsIsToldAfterTenSeconds() {
        Pod pod = new Pod("a", false, 100, 100);
        pod.view.joined(ROOM, "7");
        List<String> told = new ArrayList<>();
        assertThat(pod.view.whenWarm("watcher", () -> told.add("present"))).isTrue();
        assertThat(pod.view.whenWarm("watcher", () -> told.add("again"))).isFalse();
        assertThat(pod.view.whenWarm("other", () -> told.add("left"))).isTrue();
        assertThat(pod.view.cancel("other")).isNotNull();
        pass(9, pod);
        assertThat(told).isEmpty();
        pass(2, pod);
        assertThat(told).containsExactly("present");
        assertThat(pod.view.told(ROOM).names()).containsExactly("7");
        assertThat(pod.view.told(ROOM).complete()).isFalse();
        pod.view.live(true);
        pass(5, pod);
        assertThat(pod.view.told(ROOM).complete()).isTrue();
    }

    @Test
    void waitingActionsAreBounded() {
        Pod pod = new Pod("a", false, 100, 100);
        for (int i = 0; i < 10_000; i++) {
            assertThat(pod.view.whenWarm(i, () -> {})).isTrue();
        }
        assertThat(pod.view.whenWarm("one more", () -> {})).isFalse();
    }

    @Test
    void helloThatFailsIsSentAgain() {
        Pod old = new Pod("old", false, 100, 100);
        old.view.live(true);
        pass(5, old);
        old.view.joined(ROOM, "7");
        pass(3, old);
        Pod pod = new Pod("new", false, 100, 100);
        List<List<String>> told = new ArrayList<>();
        pod.view.live(true);
        pod.view.whenWarm("watcher", () -> told.add(pod.view.told(ROOM).names()));
        for (int i = 0; i < 16; i++) {
            now += SECOND / 4;
            pod.view.tick(100);
            for (ObjectNode next = pod.view.next(); next != null; next = pod.view.next()) {
                pod.view.sent(false);
            }
        }
        assertThat(told).as("after 4 s in which nothing was delivered").isEmpty();
        pass(5, old, pod);
        assertThat(told).containsExactly(List.of("7"));
        assertThat(pod.events).isEmpty();
    }

    @Test
    void gracesThatFailAreSentAgain() {
        Pod[] pods = {new Pod("old", false, 100, 100), new Pod("new", false, 100, 100)};
        pods[0].view.live(true);
        pass(5, pods[0]);
        pods[0].view.joined(ROOM, "7");
        pods[0].view.left(ROOM, "7");
        pods[1].view.live(true);
        int graces = 0;
        for (int i = 0; i < 24; i++) {
            now += SECOND / 4;
            for (Pod from : pods) {
                from.view.tick(100);
                for (ObjectNode next = from.view.next(); next != null; next = from.view.next()) {
                    boolean fails = next.path("kind").asText().equals("grace") && graces++ == 0;
                    if (!fails) {
                        for (Pod to : pods) {
                            to.view.heard(next);
                        }
                    }
                    from.view.sent(!fails);
                }
            }
        }
        assertThat(graces).isGreaterThan(1);
    }

    @Test
    void listIsIncompleteWhileChangesOfAPodAreMissing() {
        Pod[] pods = two(100);
        assertThat(pods[0].view.told(ROOM).complete()).isTrue();
        pods[1].view.joined(ROOM, "lost");
        now += SECOND;
        pods[1].messages();
        pods[1].view.joined(ROOM, "heard");
        now += SECOND;
        pods[1].messages().forEach(pods[0].view::heard);
        assertThat(pods[0].view.told(ROOM).complete()).isFalse();
        pass(5, pods);
        assertThat(pods[0].view.told(ROOM).names()).containsExactly("heard", "lost");
        assertThat(pods[0].view.told(ROOM).complete()).isTrue();
    }

    /** Ten pods, of which one with 10,000 users is killed; these move within five seconds. */
    @Test
    void deathOfAPodCostsSomeMessages() {
        Pod[] pods = new Pod[10];
        for (int i = 0; i < pods.length; i++) {
            pods[i] = new Pod("pod-" + i, false, 1_000, 100_000);
            pods[i].view.live(true);
        }
        pass(5, pods);
        List<Channel> rooms = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            rooms.add(Objects.requireNonNull(ROUTES.resolve("room:" + i)));
        }
        for (int i = 0; i < 10_000; i++) {
            pods[0].view.joined(rooms.get(i % 100), "user-" + i);
        }
        pass(60, pods);
        Pod[] rest = Arrays.copyOfRange(pods, 1, pods.length);
        for (Pod pod : rest) {
            pod.events.clear();
        }
        int messages = 0;
        int bytes = 0;
        for (int step = 0; step < 50; step++) {
            now += SECOND / 10;
            for (int i = step * 200; i < (step + 1) * 200; i++) {
                rest[i % 9].view.joined(rooms.get(i % 100), "user-" + i);
            }
            for (Pod from : rest) {
                from.view.tick(2_000);
                for (JsonNode message : from.messages()) {
                    messages++;
                    bytes += message.toString().length();
                    for (Pod to : rest) {
                        to.view.heard(message);
                    }
                }
            }
        }
        System.out.printf("10,000 users moved in 5 s: %d messages of 9 pods, %d KB%n", messages, bytes / 1024);
        assertThat(messages).isLessThan(250);
        pass(60, rest);
        for (Pod pod : rest) {
            assertThat(pod.events).isEmpty();
        }
    }
}
