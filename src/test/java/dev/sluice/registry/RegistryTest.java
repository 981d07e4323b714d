package dev.sluice.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.Scope;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RegistryTest {

    private static final List<Loop> LOOPS = List.of(new Loop(0, Runnable::run), new Loop(1, Runnable::run));

    private final List<Disconnected> events = new ArrayList<>();
    private final Registry registry =
            new Registry(TestOutboxFactory.ROUTES, Scope.USER, 3, 3, TestRegistries.noLingering());

    @Test
    void allConnectionsOfTheUserReceive() {
        Connection one = add(registry, "7");
        Connection two = add(registry, "7");
        add(registry, "8");
        assertThat(hearing(registry, user("7"))).containsExactlyInAnyOrder(one, two);
        assertThat(hearing(registry, user("9"))).isEmpty();
        assertThat(registry.users()).isEqualTo(2);
        assertThat(registry.connections()).isEqualTo(3);
    }

    @Test
    void connectionsOfAUserAreBounded() {
        Connection one = add(registry, "7");
        add(registry, "7");
        assertThat(registry.hasRoomFor("7")).isTrue();
        add(registry, "7");
        assertThat(registry.hasRoomFor("7")).isFalse();
        assertThat(registry.hasRoomFor("8")).isTrue();
        Connection tooMany = connection("7", events::add);
        assertThat(registry.add(tooMany)).isFalse();
        assertThat(hearing(registry, user("7"))).hasSize(3).doesNotContain(tooMany);
        registry.remove(tooMany);
        assertThat(registry.connections()).isEqualTo(3);
        registry.remove(one);
        assertThat(registry.add(tooMany)).isTrue();
    }

    @Test
    void v2SubscriptionBelongsToTheConnection() {
        LingeringSubscriptions lingering = TestRegistries.lingering(Duration.ofMinutes(1));
        Registry lingers = TestRegistries.with(lingering);
        Connection shared = connection("7", events::add);
        Connection own = positioned("7", events::add);
        lingers.add(shared);
        lingers.subscribe(shared, upload("1"));
        lingers.add(own);
        lingers.subscribe(own, upload("2"));

        assertThat(hearing(lingers.listeners(upload("1")))).containsExactly(shared);
        assertThat(hearing(lingers.listeners(upload("2")))).containsExactly(own);
        assertThat(hearing(lingers.listeners(user("7")))).containsExactlyInAnyOrder(shared, own);
        assertThat(lingers.channels(own)).containsExactlyInAnyOrder(user("7"), upload("2"));

        lingers.remove(shared);
        assertThat(hearing(lingers.listeners(upload("1")))).isEmpty();
        assertThat(lingering.of("7")).containsOnlyKeys(upload("1"));
        assertThat(lingers.restoring("7")).isNull();

        lingers.unsubscribe(own, upload("2"));
        lingers.subscribe(own, upload("3"));
        lingers.remove(own);
        assertThat(lingering.of("7")).containsOnlyKeys(upload("1"));
        assertThat(TestRegistries.isEmpty(lingers)).isTrue();
    }

    @Test
    void subscriptionAppliesToAllConnectionsOfItsUser() {
        Connection one = add(registry, "7");
        Connection two = add(registry, "7");
        Connection other = add(registry, "8");
        assertThat(registry.subscribe(one, upload("42"))).isEqualTo(Subscribed.YES);
        assertThat(hearing(registry, upload("42"))).containsExactlyInAnyOrder(one, two);
        Connection later = add(registry, "7");
        registry.subscribe(other, upload("42"));
        assertThat(hearing(registry, upload("42"))).containsExactlyInAnyOrder(one, two, later, other);
        assertThat(hearing(registry, upload("43"))).isEmpty();
        assertThat(registry.subscriptions()).isEqualTo(2);
    }

    @Test
    void subscriptionLastsUntilTheUsersLastConnectionEnds() {
        Connection one = add(registry, "7");
        Connection two = add(registry, "7");
        registry.subscribe(one, upload("42"));
        registry.remove(one);
        assertThat(hearing(registry, upload("42"))).containsExactly(two);
        registry.remove(two);
        assertThat(hearing(registry, upload("42"))).isEmpty();
        assertThat(registry.isEmpty()).isTrue();
        Connection back = add(registry, "7");
        assertThat(hearing(registry, upload("42"))).isEmpty();
        assertThat(hearing(registry, user("7"))).containsExactly(back);
    }

    @Test
    void scopeConnectionLimitsTheSubscriptionToTheConnection() {
        Registry own = new Registry(TestOutboxFactory.ROUTES, Scope.CONNECTION, 3, 3, TestRegistries.noLingering());
        Connection one = add(own, "7");
        Connection two = add(own, "7");
        own.subscribe(one, upload("42"));
        assertThat(hearing(own, upload("42"))).containsExactly(one);
        assertThat(hearing(own, user("7"))).containsExactlyInAnyOrder(one, two);
        own.unsubscribe(two, upload("42"));
        assertThat(hearing(own, upload("42"))).containsExactly(one);
        own.remove(one);
        assertThat(hearing(own, upload("42"))).isEmpty();
        own.remove(two);
        assertThat(own.isEmpty()).isTrue();
    }

    @Test
    void unsubscribeOnAnyConnectionAppliesToTheUser() {
        Connection one = add(registry, "7");
        Connection two = add(registry, "7");
        registry.subscribe(one, upload("42"));
        registry.unsubscribe(two, upload("42"));
        registry.unsubscribe(two, upload("42"));
        assertThat(hearing(registry, upload("42"))).isEmpty();
        assertThat(registry.subscriptions()).isZero();
    }

    @Test
    void repeatedSubscribeMakesOneSubscription() {
        Connection one = add(registry, "7");
        registry.subscribe(one, upload("42"));
        assertThat(registry.subscribe(one, upload("42"))).isEqualTo(Subscribed.ALREADY);
        assertThat(hearing(registry, upload("42"))).containsExactly(one);
        registry.unsubscribe(one, upload("42"));
        assertThat(hearing(registry, upload("42"))).isEmpty();
    }

    @Test
    void boundsTheSubscriptionsOfAUser() {
        Connection one = add(registry, "7");
        for (String id : List.of("1", "2", "3")) {
            assertThat(registry.subscribe(one, upload(id))).isEqualTo(Subscribed.YES);
        }
        assertThat(registry.subscribe(one, upload("4"))).isEqualTo(Subscribed.TOO_MANY);
        assertThat(registry.subscribe(one, upload("3"))).isEqualTo(Subscribed.ALREADY);
        registry.unsubscribe(one, upload("1"));
        assertThat(registry.subscribe(one, upload("4"))).isEqualTo(Subscribed.YES);
    }

    @Test
    void endedConnectionCannotSubscribe() {
        Connection one = add(registry, "7");
        Connection two = add(registry, "7");
        registry.remove(one);
        assertThat(registry.subscribe(one, upload("42"))).isEqualTo(Subscribed.GONE);
        registry.remove(two);
        assertThat(registry.subscribe(two, upload("42"))).isEqualTo(Subscribed.GONE);
        assertThat(registry.isEmpty()).isTrue();
    }

    @Test
    void endIsIdempotentAndRemovesOnlyItsConnection() {
        Connection old = add(registry, "7");
        registry.remove(old);
        Connection reconnected = add(registry, "7");
        registry.remove(old);
        assertThat(hearing(registry, user("7"))).containsExactly(reconnected);
        assertThat(registry.connections()).isEqualTo(1);
    }

    @Test
    void firstReasonOfAnEndCounts() {
        Connection one = add(registry, "7");
        one.disconnect(Disconnect.SEND_FAILED);
        one.disconnect(Disconnect.CLIENT_CLOSED);
        assertThat(events).containsExactly(new Disconnected(one, Disconnect.SEND_FAILED));
        registry.onDisconnected(events.get(0));
        assertThat(registry.isEmpty()).isTrue();
    }

    @Test
    void hearingListsTheReceivingConnections() {
        for (Scope scope : Scope.values()) {
            Registry own = new Registry(TestOutboxFactory.ROUTES, scope, 3, 3, TestRegistries.noLingering());
            Connection one = add(own, "7");
            Connection two = add(own, "7");
            Connection other = add(own, "8");
            own.subscribe(one, upload("42"));
            own.subscribe(other, upload("42"));
            own.unsubscribe(other, upload("42"));
            assertThat(own.hearing(upload("42")))
                    .containsExactlyInAnyOrderElementsOf(hearing(own, upload("42")))
                    .containsExactlyElementsOf(scope == Scope.USER ? List.of(one, two) : List.of(one));
            assertThat(own.hearing(user("7"))).containsExactlyInAnyOrder(one, two);
            assertThat(own.hearing(upload("43"))).isEmpty();
        }
    }

    private Connection add(Registry to, String user) {
        Connection connection = connection(user, events::add);
        to.add(connection);
        return connection;
    }

    private static List<Connection> hearing(Registry in, Channel channel) {
        return hearing(in.listeners(channel));
    }

    static List<Connection> hearing(@Nullable ChannelListeners listeners) {
        List<Connection> hearing = new ArrayList<>();
        if (listeners != null) {
            listeners.forEachLoop(ofLoop -> hearing.addAll(ofLoop.connections()));
            assertThat(hearing).as("a channel without listeners is removed").isNotEmpty();
        }
        return hearing;
    }

    static Connection connection(String user, Consumer<Disconnected> observers) {
        return connection(user, LOOPS.get(Math.floorMod(user.hashCode(), LOOPS.size())), observers);
    }

    static Connection connection(String user, Loop loop, Consumer<Disconnected> observers) {
        Outbox outbox = TestOutboxFactory.standard().open(new RecordingFrameWriter(), loop, reason -> {});
        return new Connection(user, channel -> true, outbox, loop, observers);
    }

    static Connection positioned(String user, Consumer<Disconnected> observers) {
        Loop loop = LOOPS.get(0);
        Outbox outbox = TestOutboxFactory.standard().open(new RecordingFrameWriter(), loop, reason -> {});
        return new Connection(user, channel -> true, outbox, loop, observers, "v2", true, true);
    }

    static Channel upload(String id) {
        return channel("upload:" + id);
    }

    static Channel user(String id) {
        return channel("user:" + id);
    }

    static Channel channel(String name) {
        return Objects.requireNonNull(TestOutboxFactory.ROUTES.resolve(name));
    }
}
