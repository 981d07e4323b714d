package dev.sluice.session;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.TestRelay;
import dev.sluice.access.HandDrivenAuthorizer;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.clock.Era;
import dev.sluice.clock.Point;
import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import dev.sluice.config.Scope;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.HandDrivenSource;
import dev.sluice.delivery.Lagged;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.feed.Batch;
import dev.sluice.feed.Gap;
import dev.sluice.feed.Publication;
import dev.sluice.feed.SimulatedChannels;
import dev.sluice.feed.SimulatedShards;
import dev.sluice.feed.WantedChannels;
import dev.sluice.history.History;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.retain.Retention;
import dev.sluice.retain.TestRetention;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Simulates pods that receive the same order of publications, or by name those of the channels of their clients, and
 * clients that lose connections, read slowly, move between the pods and resume. Threads and time are simulated; all
 * randomness comes from the seed. The clients follow the rules of their protocol, version 2 or that of Centrifugo's
 * SDKs, and check what they receive.
 */
final class ResumeSimulation {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> UPLOADS = List.of("upload:0", "upload:1", "upload:2", "upload:3");
    private static final List<String> WITH_PLAIN = List.of("upload:0", "upload:1", "upload:2", "plain:0");
    private static final int CLIENTS = 4;
    private static final int LOOPS = 2;
    /** Prefixes of requests: for a repeated subscription, and for an unsubscribe. */
    private static final String AGAIN = "again ";

    private static final String UNSUBSCRIBED = "not ";

    private static final long MILLI = 1_000_000L;

    /** A message of Redis: the next number of a channel, or a tick. */
    private record Message(@Nullable Channel channel, int number, long offset, int nonce) {}

    /** What pods hear. */
    enum Hearing {
        ALL,
        /** Channels by name, in one order. */
        BY_NAME,
        /** Channels by name, from the masters of a Redis Cluster. */
        BY_SHARD
    }

    /** The name of a publication for other pods. */
    private record Name(Era era, long offset) {}

    /** A Redis, or a master of a cluster, and its clock. */
    private static final class Master {
        private final String id;
        private Era era;
        private long tick;
        private int nonce;
        private int messages;

        /** Until when no pod publishes ticks. */
        private long silentUntil;

        /** The publications of each channel since the last tick. */
        private final Map<String, Integer> counts = new HashMap<>();

        Master(String id, Era era) {
            this.id = id;
            this.era = era;
        }
    }

    private final Random random;
    private final Dialect dialect;

    /** Whether pods subscribe by name. */
    private final boolean byName;

    private final boolean sharded;
    private final List<String> channels;
    private final List<Message> order = new ArrayList<>();
    private final Map<String, List<Name>> offsets = new HashMap<>();
    private final List<Pod> pods = new ArrayList<>();
    private final List<Client> clients = new ArrayList<>();
    private final List<String> violations = new ArrayList<>();
    private final Map<String, Integer> outcomes = new HashMap<>();
    private long now;

    /** By ID. Without a cluster, there is one. */
    private final Map<String, Master> masters = new LinkedHashMap<>();

    /** The master of each channel in a cluster. */
    private final Map<String, String> owners = new LinkedHashMap<>();

    private int eras;

    /** Until when the pod that publishes ticks hangs. */
    private long nextTickAt;

    private boolean calm;

    /** The places of each channel's publications in the order, and of each tick. */
    private final Map<String, List<Integer>> places = new HashMap<>();

    private final Map<Name, Integer> ticks = new HashMap<>();

    ResumeSimulation(long seed, Dialect dialect) {
        this(seed, dialect, Hearing.ALL);
    }

    ResumeSimulation(long seed, Dialect dialect, Hearing hearing) {
        byName = hearing == Hearing.BY_NAME;
        sharded = hearing == Hearing.BY_SHARD;
        random = new Random(seed);
        this.dialect = dialect;
        // Every fourth run has a channel whose route keeps no history.
        channels = dialect.equals(Dialect.V2) && seed % 4 == 0 ? WITH_PLAIN : UPLOADS;
        for (int i = 0; i < (sharded ? 2 : 1); i++) {
            addMaster();
        }
        List.of("user:0", "user:1", "user:2").forEach(this::place);
        channels.forEach(this::place);
        masters.values().forEach(this::publishTick);
        for (int i = 0; i < (hearing == Hearing.ALL ? 2 : 3); i++) {
            pods.add(new Pod());
        }
        for (int i = 0; i < CLIENTS; i++) {
            String own = "user:" + i % 3;
            clients.add(dialect.equals(Dialect.CENTRIFUGE) ? new SdkClient(own) : new V2Client(own));
        }
    }

    private Master addMaster() {
        Era.Kind kind = sharded ? Era.Kind.OF_SHARD : byName ? Era.Kind.BY_CHANNEL : Era.Kind.COMMON;
        Master added = new Master("m" + eras, Era.founded(1 + eras++, kind, 2));
        masters.put(added.id, added);
        return added;
    }

    /** Chooses the channel's master. */
    private void place(String channel) {
        List<String> ids = List.copyOf(masters.keySet());
        owners.put(channel, ids.get(owners.size() % ids.size()));
    }

    /** Runs steps with failures, and then twice a number of steps without, so that everything arrives. */
    void run(int steps, int calmSteps) {
        for (int i = 0; i < steps; i++) {
            step();
        }
        calm = true;
        nextTickAt = 0;
        masters.values().forEach(master -> master.silentUntil = 0);
        pods.forEach(pod -> pod.losesTick = false);
        if (sharded) {
            pods.forEach(pod -> pod.shards().resume());
        }
        for (int i = 0; i < calmSteps; i++) {
            step();
        }
        masters.values().forEach(this::publishTick);
        for (int i = 0; i < calmSteps; i++) {
            step();
        }
        clients.forEach(Client::checkComplete);
    }

    List<String> violations() {
        return violations;
    }

    /** Returns the number of each message that clients received. */
    Map<String, Integer> outcomes() {
        return outcomes;
    }

    private boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    private void step() {
        now += MILLI;
        if (!calm) {
            if (chance(3)) {
                publish();
            }
            if (chance(60)) {
                publishTick(anyMaster());
            }
            if (sharded) {
                disturbCluster();
            }
            if (chance(2_000)) {
                pods.get(random.nextInt(pods.size())).restart();
            }
            if (byName && chance(2_000)) {
                pods.get(random.nextInt(pods.size())).interrupt();
            }
            if (chance(1_000)) {
                pods.get(random.nextInt(pods.size())).losesTick = true;
            }
            if (byName && chance(1_500)) {
                count("late ticks");
                nextTickAt = now + random.nextInt(500) * MILLI;
            }
        }
        if (byName && chance(10) && pods.stream().anyMatch(Pod::hurries)) {
            publishTick(anyMaster());
        }
        if (sharded && chance(10) && pods.stream().anyMatch(pod -> pod.shards().hurries())) {
            masters.values().forEach(this::publishTick);
        }
        pods.get(random.nextInt(pods.size())).step();
        clients.get(random.nextInt(CLIENTS)).step();
    }

    private Master anyMaster() {
        List<Master> all = List.copyOf(masters.values());
        return sharded ? all.get(random.nextInt(all.size())) : all.get(0);
    }

    private void disturbCluster() {
        Pod pod = pods.get(random.nextInt(pods.size()));
        Master master = anyMaster();
        if (chance(1_000)) {
            count("interruptions");
            pod.shards().cut(master.id);
        }
        if (chance(1_000) && pod.shards().loseTick(master.id)) {
            count("lost ticks");
        }
        if (chance(300)) {
            count("slow connections");
            pod.shards().stall(master.id, Duration.ofMillis(random.nextInt(600)));
        }
        if (chance(1_000)) {
            count("silent clocks");
            master.silentUntil = now + random.nextInt(600) * MILLI;
        }
        String left = pod.shards().takeLeft();
        if (left != null && chance(2)) {
            moveBeforeTheEnd(left, pod);
        }
        if (chance(700)) {
            List<String> names = List.copyOf(owners.keySet());
            move(names.get(random.nextInt(names.size())), master);
        }
        if (chance(3_000)) {
            failOver(master);
        }
        if (chance(3_000)) {
            // Two eras have met.
            count("eras left");
            master.era = Era.founded(1 + eras++, Era.Kind.OF_SHARD, 2);
            master.tick = 0;
            publishTick(master);
        }
        if (chance(100)) {
            pod.shards().refresh();
        }
    }

    /** A pod has left a channel, whose slot moves before the pod knows that, to a master without a clock. */
    private void moveBeforeTheEnd(String channel, Pod pod) {
        String from = Objects.requireNonNull(owners.get(channel));
        for (Master to : List.copyOf(masters.values())) {
            if (!to.id.equals(from)) {
                count("slots moved before an end");
                pod.shards().stall(from, Duration.ofMillis(400));
                to.silentUntil = now + 400 * MILLI;
                pod.shards().cut(to.id);
                move(channel, to);
                pod.shards().refresh();
                clients.stream().filter(client -> chance(2)).forEach(Client::cutNow);
            }
        }
    }

    private void move(String channel, Master to) {
        String from = Objects.requireNonNull(owners.get(channel));
        if (!from.equals(to.id)) {
            count("moved slots");
            owners.put(channel, to.id);
            pods.forEach(pod -> pod.shards().moved(from, channel));
        }
    }

    /** A replica takes the place of a master. */
    private void failOver(Master dead) {
        count("failovers");
        masters.remove(dead.id);
        Master replica = addMaster();
        pods.forEach(pod -> pod.shards().cut(dead.id));
        owners.replaceAll((channel, owner) -> owner.equals(dead.id) ? replica.id : owner);
        publishTick(replica);
    }

    private void publish() {
        String name = chance(2) ? "user:" + random.nextInt(3) : channels.get(random.nextInt(channels.size()));
        Master master = sharded ? Objects.requireNonNull(masters.get(owners.get(name))) : anyMaster();
        List<Name> known = offsets.computeIfAbsent(name, x -> new ArrayList<>());
        int count = master.counts.merge(name, 1, Integer::sum);
        long offset = (master.tick << 24) + ++master.messages;
        known.add(new Name(master.era, byName || sharded ? (master.tick << 24) + count : offset));
        places.computeIfAbsent(name, x -> new ArrayList<>()).add(order.size());
        Message message = new Message(TestOutboxFactory.channel(name), known.size(), offset, master.nonce);
        add(message);
        if (sharded) {
            Publication publication = publication(Objects.requireNonNull(message.channel), message.number);
            pods.forEach(pod -> pod.shards().sent(master.id, name, copy(publication)));
        }
    }

    /** Each pod reads its own. */
    private static Publication copy(Publication of) {
        return new Publication(of.bytes().clone(), of.nameLength(), of.payloadLength(), System.nanoTime());
    }

    private void add(Message message) {
        order.add(message);
        if (byName) {
            pods.forEach(pod -> pod.sent(message));
        }
    }

    private void publishTick(Master master) {
        if (now < nextTickAt || now < master.silentUntil) {
            return;
        }
        master.tick++;
        master.messages = 0;
        master.nonce = random.nextInt() & (byName || sharded ? 0xffff : -1);
        master.counts.clear();
        ticks.put(new Name(master.era, master.tick << 24), order.size());
        add(new Message(null, 0, master.tick << 24, master.nonce));
        if (sharded) {
            pods.forEach(
                    pod -> pod.shards().ticked(master.id, new Position(master.era, master.tick << 24, master.nonce)));
        }
    }

    private Position position(long offset, int nonce) {
        return new Position(anyMaster().era, offset, nonce);
    }

    private final class Pod {
        private final List<Deque<Runnable>> queues = new ArrayList<>();
        private final List<Loop> loops = new ArrayList<>();
        private final List<Session> sessions = new ArrayList<>();
        private final Map<Long, List<Runnable>> timers = new HashMap<>();
        private final Map<Connection, Integer> shares = new HashMap<>();
        private HandDrivenSource source = new HandDrivenSource();
        private Registry registry = TestRegistries.with(Scope.USER);
        private OutboxFactory outboxes = outboxes();
        private @Nullable DeliveryDispatcher deliveries;
        private @Nullable Resumption resumption;
        private @Nullable History naming;
        private @Nullable Retention retention;
        private @Nullable CommandHandler commands;
        private @Nullable Authentication authentication;
        private @Nullable Consumer<Batch> relay;
        private @Nullable Position before;
        private int read;

        /** By name: what Redis has sent, and what the feed's thread has to do. */
        private final Deque<Object> inbox = new ArrayDeque<>();

        private final Deque<Runnable> feed = new ArrayDeque<>();
        private @Nullable SimulatedChannels byNames;
        private @Nullable SimulatedShards shards;
        private @Nullable TestAuthentication admission;
        private boolean wasInterrupted;

        /** Whether it does not receive the next tick. */
        private boolean losesTick;

        /** The number of the tick that it heard last, if it has positions. */
        private long lastTick;

        Pod() {
            start();
        }

        private OutboxFactory outboxes() {
            return TestOutboxFactory.with(32 * 1024, Duration.ofSeconds(30), new SimpleMeterRegistry());
        }

        private void start() {
            queues.clear();
            loops.clear();
            sessions.clear();
            timers.clear();
            for (int i = 0; i < LOOPS; i++) {
                Deque<Runnable> queue = new ArrayDeque<>();
                queues.add(queue);
                loops.add(new Loop(i, queue::add));
            }
            source = new HandDrivenSource();
            registry = TestRegistries.with(Scope.USER);
            outboxes = outboxes();
            History history = TestHistory.standard();
            Retention retained = TestRetention.with(100);
            retention = retained;
            DeliveryDispatcher delivery = TestDispatchers.with(source, registry, 4_000, this::lagged);
            Timer timer = (millis, task) -> {
                timers.computeIfAbsent(now + millis * MILLI, x -> new ArrayList<>())
                        .add(task);
                return () -> {};
            };
            PositionWait wait = new PositionWait(Duration.ofMillis(60), timer, () -> now);
            deliveries = delivery;
            ResumeMeters meters = new ResumeMeters(new SimpleMeterRegistry());
            resumption = new Resumption(history, registry, delivery, meters, wait);
            naming = history;
            Deque<Runnable> thread = feed;
            thread.clear();
            inbox.clear();
            SimulatedChannels names = byName
                    ? new SimulatedChannels(
                            Duration.ofMillis(200),
                            2,
                            () -> now,
                            (millis, task) -> timer.after(millis, () -> thread.add(task)),
                            thread::add)
                    : null;
            byNames = names;
            if (shards != null) {
                shards.kill();
            }
            SimulatedShards connections = sharded
                    ? new SimulatedShards(
                            new SimulatedShards.Cluster() {
                                @Override
                                public Map<String, String> owners() {
                                    return owners;
                                }

                                @Override
                                public boolean isDead(String master) {
                                    return !masters.containsKey(master);
                                }
                            },
                            random,
                            Duration.ofMillis(200),
                            () -> now,
                            (millis, task) -> timer.after(millis, () -> thread.add(task)),
                            thread::add,
                            batch -> Objects.requireNonNull(relay).accept(batch))
                    : null;
            shards = connections;
            WantedChannels subscriptions =
                    connections != null ? connections.channels() : names == null ? null : names.channels();
            commands = TestCommandHandler.of(
                    registry, history, retained, delivery, new HandDrivenAuthorizer(), wait, subscriptions);
            TestAuthentication test = new TestAuthentication();
            test.channels = subscriptions;
            admission = test;
            wasInterrupted = false;
            losesTick = false;
            test.admits = registry::add;
            test.onDisconnected = event -> registry.remove(event.connection());
            authentication = test.with(commands);
            RecountNotifier notifier = new RecountNotifier(
                    registry,
                    delivery,
                    new ChannelResumption(history, registry, delivery, meters, wait),
                    new Stagger(() -> now, timer),
                    Duration.ofMillis(60),
                    connection -> shares.computeIfAbsent(connection, x -> random.nextInt(Session.SHARES)));
            relay = TestRelay.of(history, retained, registry, delivery, subscriptions, notifier::onRecounted);
            if (connections != null) {
                connections.start();
            }
            if (names != null) {
                names.connect(() -> {});
            }
            before = null;
            // A new pod starts at the next tick.
            read = order.size();
        }

        SimulatedShards shards() {
            return Objects.requireNonNull(shards);
        }

        boolean hurries() {
            return Objects.requireNonNull(byNames).hurries();
        }

        /** Redis has executed a publication or a tick. */
        void sent(Message message) {
            boolean heard = message.channel == null
                    ? !wasInterrupted
                    : Objects.requireNonNull(byNames).hears(message.channel.name());
            if (heard && message.channel == null && losesTick) {
                losesTick = false;
                count("lost ticks");
            } else if (heard) {
                inbox.add(message);
            }
        }

        /** The connection to Redis ends; its clients learn of the gap. */
        void interrupt() {
            count("interruptions");
            inbox.clear();
            holdUntilTold();
            Objects.requireNonNull(byNames).disconnect();
            tellGap();
            // Told to clients that connect meanwhile.
            Objects.requireNonNull(admission).gap = new Gap(Instant.EPOCH, null);
            wasInterrupted = true;
        }

        private void holdUntilTold() {
            before = null;
            sessions.forEach(
                    session -> session.loop().execute(() -> session.ifOpen(AuthenticatedClient::holdUntilTold)));
            loops.forEach(Objects.requireNonNull(deliveries)::barrier);
        }

        private void tellGap() {
            // As the relay does at each gap.
            Objects.requireNonNull(retention).clear();
            Objects.requireNonNull(relay).accept(new Batch(null, new ArrayList<>()));
            Gap gap = new Gap(Instant.EPOCH, null);
            for (Session session : sessions) {
                session.loop()
                        .execute(() ->
                                session.ifOpen(client -> client.tell(gap, dialect.gap(Instant.EPOCH, null), true)));
            }
        }

        /** The tick does not follow the last one: the pod may have lost publications with the ticks between. */
        private void lostTicks() {
            count("broken chains");
            Objects.requireNonNull(relay).accept(new Batch(null, new ArrayList<>()));
            holdUntilTold();
            tellGap();
            liveAgain();
        }

        private void connectAgain() {
            wasInterrupted = false;
            Objects.requireNonNull(byNames).connect(this::liveAgain);
        }

        private void liveAgain() {
            Objects.requireNonNull(admission).gap = null;
            Gap over = new Gap(Instant.EPOCH, Instant.EPOCH);
            for (Session session : sessions) {
                session.loop()
                        .execute(() -> session.ifOpen(
                                client -> client.tell(over, dialect.gap(over.since(), over.until()), true)));
            }
        }

        void restart() {
            clients.stream().filter(client -> client.pod == this).forEach(Client::lost);
            start();
            count("restarts");
        }

        private void lagged(Lagged event) {
            count("lags");
            for (Session session : sessions) {
                if (session.loop() == event.loop() && session.isByChannel()) {
                    session.ifOpen(client -> client.restart(true));
                } else if (session.loop() == event.loop() && session.isOpen()) {
                    AuthenticatedClient client = session.client();
                    Runnable lost = () -> client.tell(client.dialect().gap(event.since(), event.until()));
                    if (!Objects.requireNonNull(resumption).repeat(client, event.reached(), lost)) {
                        lost.run();
                    }
                }
            }
        }

        Session open(SlowSocket wire, int loop, String user, @Nullable Position since) {
            Loop on = loops.get(loop);
            DeliveryDispatcher delivery = Objects.requireNonNull(deliveries);
            Session session = new Session(
                    Objects.requireNonNull(authentication),
                    Objects.requireNonNull(commands),
                    wire,
                    outboxes,
                    on,
                    dialect,
                    connection -> Objects.requireNonNull(naming)
                            .name(delivery.position(connection.loop()), () -> registry.channels(connection)));
            sessions.add(session);
            on.execute(() -> session.opened(
                    TestAuthorizers.identity(user), Opening.own(since == null ? null : Since.of(since))));
            return session;
        }

        void step() {
            int what = random.nextInt(10);
            if (byName) {
                stepByName();
            }
            if (sharded && chance(2)) {
                runTasks(feed, 1 + random.nextInt(4));
            }
            if (what < 4 && !source.paused) {
                if (sharded) {
                    shards().read();
                } else if (byName) {
                    readInbox();
                } else {
                    readBatch();
                }
            }
            source.runTasks();
            if (chance(300)) {
                source.timeIsUp();
            }
            for (int i = 0; i < LOOPS; i++) {
                if (calm || chance(2)) {
                    runTasks(queues.get(i), calm ? queues.get(i).size() : random.nextInt(4));
                }
            }
            timers.keySet().stream()
                    .filter(due -> due <= now)
                    .toList()
                    .forEach(due -> Objects.requireNonNull(timers.remove(due)).forEach(Runnable::run));
        }

        private void runTasks(Deque<Runnable> queue, int most) {
            for (int i = 0; i < most && !queue.isEmpty(); i++) {
                queue.remove().run();
            }
        }

        private void stepByName() {
            if (chance(2)) {
                runTasks(feed, 1 + random.nextInt(4));
            }
            if (wasInterrupted && chance(20)) {
                connectAgain();
            }
            if (chance(4)) {
                inbox.addAll(Objects.requireNonNull(byNames).execute());
            }
        }

        private void readInbox() {
            int most = 1 + random.nextInt(6);
            List<Publication> publications = new ArrayList<>();
            Position start = before;
            while (!inbox.isEmpty() && publications.size() < most) {
                Object next = inbox.element();
                if (next instanceof Message message && message.channel != null) {
                    publications.add(publication(message.channel, message.number));
                    before = before == null ? null : before.plus(1);
                    inbox.remove();
                } else if (!publications.isEmpty()) {
                    break;
                } else if (inbox.remove() instanceof Message message) {
                    hearTick(message);
                    return;
                } else {
                    ((Runnable) next).run();
                    return;
                }
            }
            if (!publications.isEmpty()) {
                Objects.requireNonNull(relay).accept(new Batch(start, publications));
            }
        }

        private void hearTick(Message message) {
            long number = message.offset >> 24;
            if (before != null && number != lastTick + 1) {
                lostTicks();
            } else {
                lastTick = number;
                before = position(message.offset, message.nonce);
                Objects.requireNonNull(relay).accept(new Batch(before, new ArrayList<>()));
            }
        }

        private void readBatch() {
            int most = 1 + random.nextInt(6);
            List<Publication> publications = new ArrayList<>();
            Position start = before;
            while (read < order.size() && publications.size() < most) {
                Message message = order.get(read);
                if (message.channel == null) {
                    if (!publications.isEmpty()) {
                        break;
                    }
                    read++;
                    if (losesTick) {
                        losesTick = false;
                        count("lost ticks");
                    } else {
                        hearTick(message);
                        return;
                    }
                } else {
                    read++;
                    publications.add(publication(message.channel, message.number));
                    before = before == null ? null : before.plus(1);
                }
            }
            if (!publications.isEmpty()) {
                Objects.requireNonNull(relay).accept(new Batch(start, publications));
            }
        }
    }

    private static Publication publication(Channel channel, int number) {
        byte[] name = channel.name().getBytes(StandardCharsets.US_ASCII);
        String text = number + "\n" + "#".repeat(number % 7 == 0 ? 1_500 : 40);
        byte[] bytes = Arrays.copyOf(name, name.length + text.length());
        System.arraycopy(text.getBytes(StandardCharsets.US_ASCII), 0, bytes, name.length, text.length());
        return new Publication(bytes, name.length, text.length(), System.nanoTime());
    }

    private void count(String outcome) {
        outcomes.merge(outcome, 1, Integer::sum);
    }

    /** A socket whose kernel accepts data late. */
    private final class SlowSocket implements FrameWriter {
        private final Deque<Object> pending = new ArrayDeque<>();
        private boolean closed;

        @Override
        public void write(Frame frame) {
            encode(frame, true);
        }

        @Override
        public void writeLate(Frame frame) {
            encode(frame, false);
        }

        private void encode(Frame frame, boolean complete) {
            if (frame instanceof PublicationBatch batch) {
                for (int i = 0; i < batch.count(); i++) {
                    message(Objects.requireNonNull(dialect.encode(batch.channel(), batch.get(i), complete)));
                }
            } else if (frame instanceof ReplayBatch batch) {
                for (int i = 0; i < batch.count(); i++) {
                    message(Objects.requireNonNull(dialect.encode(batch.channel(i), batch.get(i), false)));
                }
            } else if (frame instanceof Frame.Missed missed) {
                message(dialect.missed(missed.channel(), missed.count()));
            } else if (frame instanceof Frame.Text text) {
                message(text.utf8());
            }
        }

        private void message(byte[] bytes) {
            pending.add(new String(bytes, StandardCharsets.UTF_8));
        }

        @Override
        public PublicationFormat headers() {
            return dialect;
        }

        @Override
        public void flush(Done done) {
            pending.add(done);
        }

        @Override
        public void close(int code, String reason) {
            closed = true;
        }

        @Override
        public void cut() {
            closed = true;
        }
    }

    /** A client that is cut off and connects again, to any pod. */
    private abstract class Client {
        final String own;
        final Set<String> wanted = new HashSet<>();
        final Deque<ClientMessage> toSend = new ArrayDeque<>();

        /** The number of the last publication of each channel; absent if any number may be next. */
        final Map<String, Integer> last = new HashMap<>();

        final Map<String, Integer> missed = new HashMap<>();

        @Nullable
        Pod pod;

        @Nullable
        Session session;

        private SlowSocket wire = new SlowSocket();

        Client(String own) {
            this.own = own;
        }

        /** It has a new session; returns its position for all channels. */
        abstract @Nullable Position connecting();

        /** It may send something. */
        abstract void speak();

        /** Handles a message. */
        abstract void hear(String message);

        /** Whether nothing is missing that it wants to hear. */
        abstract boolean isReady();

        void step() {
            if (session == null) {
                connect();
                return;
            }
            if (!calm && chance(150)) {
                cut();
                return;
            }
            speak();
            if (!toSend.isEmpty()) {
                Session to = Objects.requireNonNull(session);
                ClientMessage message = toSend.remove();
                to.loop().execute(() -> deliver(to, message));
            }
            if (calm || chance(3)) {
                hear(calm ? Integer.MAX_VALUE : random.nextInt(6));
            }
        }

        private void connect() {
            Pod to = pods.get(random.nextInt(pods.size()));
            pod = to;
            wire = new SlowSocket();
            toSend.clear();
            missed.clear();
            session = to.open(wire, random.nextInt(LOOPS), own.substring("user:".length()), connecting());
            count("connects");
        }

        /** Discards unread data of a broken connection. */
        void lost() {
            session = null;
            pod = null;
        }

        void cutNow() {
            if (session != null) {
                cut();
            }
        }

        private void cut() {
            Session broken = Objects.requireNonNull(session);
            broken.loop().execute(() -> broken.closed(Disconnect.CONNECTION_LOST));
            count("cuts");
            lost();
        }

        private void deliver(Session to, ClientMessage message) {
            if (to.isOver()) {
                return;
            }
            if (to.takesMessage()) {
                to.received(message);
            } else {
                to.loop().execute(() -> deliver(to, message));
            }
        }

        private void hear(int most) {
            for (int i = 0; i < most && !wire.pending.isEmpty(); i++) {
                Object next = wire.pending.remove();
                if (next instanceof String text) {
                    hear(text);
                } else if (next instanceof FrameWriter.Done done) {
                    Loop loop = Objects.requireNonNull(session).loop();
                    loop.execute(() -> done.done(null));
                }
            }
            if (wire.closed && wire.pending.isEmpty() && session != null) {
                Session closed = session;
                closed.loop().execute(() -> closed.closed(Disconnect.CLIENT_CLOSED));
                count("closes");
                lost();
            }
        }

        /** Checks that the publication follows the last one; {@code offset} is 0 where it has none. */
        void follows(String channel, int number, long offset, boolean any) {
            if (offset != 0 && number != numberAt(channel, eraOf(channel), offset)) {
                violation(channel + " " + number + " has the wrong offset " + offset);
            }
            Integer before = last.get(channel);
            int told = missed.getOrDefault(channel, 0);
            missed.remove(channel);
            if (!any && before != null && (number <= before || number > before + 1 + told)) {
                violation(channel + ": after " + before + " came " + number + ", missed " + told);
            }
            last.put(channel, number);
        }

        /** The era of the channel's offsets. */
        Era eraOf(String channel) {
            return masters.values().iterator().next().era;
        }

        /** Returns the number of publications up to the position. */
        int publishedUpTo(String channel, Position position) {
            int place = place(position);
            return (int) places.getOrDefault(channel, List.of()).stream()
                    .filter(at -> at <= place)
                    .count();
        }

        /**
         * Returns the number of the publication that has an offset. A pod that has lost a tick, and does not know it yet,
         * counts on from the tick before, so that no other pod has a publication with that offset.
         */
        private int numberAt(String channel, Era era, long offset) {
            if (!byName && !sharded) {
                return Objects.requireNonNull(places.get(channel)).indexOf(placeOf(era, offset)) + 1;
            }
            long start = offset >> 24 << 24;
            Integer place = ticks.get(new Name(era, start));
            if (place == null) {
                // An offset of another era.
                return -1;
            }
            int before = (int) Objects.requireNonNull(places.get(channel)).stream()
                    .filter(at -> at < place)
                    .count();
            return before + (int) (offset - start);
        }

        /**
         * Returns the place in the order of the message with that offset. A pod that has lost a tick counts on, also after the
         * next one.
         */
        private int placeOf(Era era, long offset) {
            int place = Objects.requireNonNull(ticks.get(new Name(era, offset >> 24 << 24)));
            for (long left = offset & 0xffffff; left > 0; left--) {
                do {
                    place++;
                } while (order.get(place).channel == null);
            }
            return place;
        }

        /** Returns the place of a position in the order. */
        private int place(Position position) {
            if (!byName && !sharded) {
                return placeOf(position.era(), position.offset());
            }
            Point point = position.point();
            if (point == null) {
                return Objects.requireNonNull(ticks.get(new Name(position.era(), position.offset())));
            }
            long number = position.number();
            return places.keySet().stream()
                    .filter(name -> Since.key(name).equals(point.key()))
                    .map(name ->
                            Objects.requireNonNull(places.get(name)).get(numberAt(name, position.era(), number) - 1))
                    .findFirst()
                    .orElseThrow();
        }

        JsonNode parse(String json) {
            try {
                return JSON.readTree(json);
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(json, e);
            }
        }

        void checkComplete() {
            Map<String, Integer> known = new LinkedHashMap<>(last);
            known.forEach((channel, number) -> {
                int published = offsets.getOrDefault(channel, List.of()).size();
                if (number != published && (channel.equals(own) || wanted.contains(channel))) {
                    violation(channel + " ends at " + number + " of " + published + ", missed " + missed.get(channel));
                }
            });
            if (session == null || !isReady()) {
                violation("not connected, or without an answer");
            }
        }

        void violation(String what) {
            violations.add("client of " + own + " at " + now / MILLI + ": " + what);
        }
    }

    /** A client of version 2, with one position for all channels. */
    private final class V2Client extends Client {
        private final Map<String, Long> lastOffset = new HashMap<>();
        private final Set<String> unanswered = new HashSet<>();
        private final Set<String> inGap = new HashSet<>();

        /** Channels of which a publication came after one that did not, with no report of a gap so far. */
        private final Set<String> early = new HashSet<>();

        /**
         * The last publication of each channel that came from a pod that did not know yet that it had lost a tick. As its position
         * was another, it may come again.
         */
        private final Map<String, Integer> misnamed = new HashMap<>();

        private @Nullable Position at;

        V2Client(String own) {
            super(own);
        }

        @Override
        @Nullable
        Position connecting() {
            unanswered.clear();
            unanswered.add(own);
            inGap.clear();
            early.clear();
            return at;
        }

        @Override
        boolean isReady() {
            return unanswered.isEmpty();
        }

        @Override
        void speak() {
            if (!unanswered.contains(own) && toSend.isEmpty() && unanswered.isEmpty() && !calm && chance(80)) {
                String channel = channels.get(random.nextInt(channels.size()));
                if (wanted.contains(channel)) {
                    if (chance(2)) {
                        wanted.remove(channel);
                        early.remove(channel);
                        last.remove(channel);
                        lastOffset.remove(channel);
                        unanswered.add(UNSUBSCRIBED + channel);
                        toSend.add(new ClientMessage.Unsubscribe(List.of(channel), null));
                    } else {
                        unanswered.add(AGAIN + channel);
                        toSend.add(new ClientMessage.Subscribe(List.of(channel), false, null, null));
                    }
                } else {
                    wanted.add(channel);
                    unanswered.add(channel);
                    toSend.add(new ClientMessage.Subscribe(List.of(channel), chance(2), null, null));
                }
            }
        }

        @Override
        void hear(String text) {
            int feed = text.indexOf('\n');
            JsonNode head = parse(feed < 0 ? text : text.substring(0, feed));
            if (feed >= 0) {
                published(head, Integer.parseInt(text.substring(feed + 1, text.indexOf('\n', feed + 1))));
            } else {
                answered(head);
            }
            // A position from before the last answer does not cover the channel of that answer.
            if (head.has("at") && !early.isEmpty()) {
                violation("position before the report of a gap of " + early);
            }
            if (head.has("at") && unanswered.isEmpty()) {
                at = Position.parse(head.get("at").textValue());
            }
        }

        private void published(JsonNode head, int number) {
            String channel = head.get("channel").textValue();
            Position position = position(head);
            if (!channel.equals(own) && !wanted.contains(channel)) {
                // The publication was in transit when the client unsubscribed.
                return;
            }
            if (position != null) {
                long before = lastOffset.getOrDefault(channel, 0L);
                if (secondField(head) <= before) {
                    count("dropped doubles");
                    return;
                }
                lastOffset.put(channel, secondField(head));
            }
            boolean lost = inGap.contains(channel);
            if (head.has("at")) {
                inGap.remove(channel);
            }
            if (position != null
                    && position.number()
                            != Objects.requireNonNull(offsets.get(channel)).get(number - 1).offset) {
                misnamed.put(channel, number);
            } else if (number <= Math.min(last.getOrDefault(channel, 0), misnamed.getOrDefault(channel, 0))) {
                count("repeated under their right name");
                return;
            }
            int next = last.getOrDefault(channel, number) + missed.getOrDefault(channel, 0) + 1;
            if (byName && position == null && !channel.startsWith("plain:") && !lost && number > next) {
                // It may overtake the report of a gap, but no position may.
                early.add(channel);
                count("before a report");
                return;
            }
            follows(channel, number, position == null ? 0 : position.number(), lost);
            if (inGap.contains(channel)) {
                // Held back since before the gap, so the next one may be any.
                last.remove(channel);
            }
        }

        /** What clients compare: the number between the dots. */
        private long secondField(JsonNode head) {
            JsonNode given = head.has("at") ? head.get("at") : head.get("pos");
            return Long.parseLong(given.textValue().split("\\.", -1)[1]);
        }

        private @Nullable Position position(JsonNode head) {
            JsonNode given = head.has("at") ? head.get("at") : head.get("pos");
            return given == null ? null : Position.parse(given.textValue());
        }

        private void answered(JsonNode message) {
            switch (message.get("action").textValue()) {
                case "auth_success" -> {
                    answered(own, message);
                    if (!wanted.isEmpty()) {
                        unanswered.addAll(wanted);
                        toSend.add(new ClientMessage.Subscribe(List.copyOf(wanted), false, at, null));
                    }
                }
                case "unsubscribed" ->
                    unanswered.remove(UNSUBSCRIBED + message.get("channel").textValue());
                case "subscribed" -> answered(message.get("channel").textValue(), message);
                case "missed" ->
                    missed.merge(
                            message.get("channel").textValue(),
                            message.get("count").intValue(),
                            Integer::sum);
                case "gap" -> {
                    // Publications held back before the gap may arrive after it.
                    early.clear();
                    inGap.add(own);
                    inGap.addAll(wanted);
                    last.clear();
                    at = null;
                    count("gaps");
                }
                default -> {}
            }
        }

        private void answered(String channel, JsonNode message) {
            if (unanswered.remove(AGAIN + channel)) {
                return;
            }
            boolean expected = unanswered.remove(channel);
            JsonNode recovered = message.get("recovered");
            if (recovered != null) {
                count("recovered " + recovered);
            }
            if (!expected || (recovered != null && recovered.booleanValue())) {
                return;
            }
            if (recovered != null) {
                at = null;
            }
            lastOffset.remove(channel);
            // The subscription starts at this position.
            Position begins = position(message);
            if (begins == null || channel.startsWith("plain:")) {
                // Without history, it starts at the answer, which may be later than the position in it.
                last.remove(channel);
            } else {
                int known = publishedUpTo(channel, begins);
                boolean retained = message.has("retained");
                last.put(channel, retained ? known - 1 : known);
                if (retained && known == 0) {
                    violation(channel + " has a retained publication before its first");
                }
            }
            if (!message.has("retained")) {
                // Retained publications are older than the answer.
                lastOffset.merge(channel, begins == null ? 0 : secondField(message), Math::max);
            }
        }
    }

    /** A client on one of Centrifugo's SDKs, with a position for each channel. */
    private final class SdkClient extends Client {
        private final Map<String, Position> since = new HashMap<>();
        private final Set<String> hears = new HashSet<>();
        private final Map<Integer, String> asked = new HashMap<>();
        private final Map<String, Set<Integer>> seen = new HashMap<>();

        /** The last publication before the report of a gap, of channels without a position. The next may be any later one. */
        private final Map<String, Integer> lastBeforeGap = new HashMap<>();

        private int ids;

        SdkClient(String own) {
            super(own);
        }

        @Override
        @Nullable
        Position connecting() {
            hears.clear();
            asked.clear();
            Map<String, Position> known = since.containsKey(own) ? Map.of(own, since.get(own)) : Map.of();
            toSend.add(new ClientMessage.Connect(null, known, ask(own)));
            if (chance(2)) {
                // The SDK for JavaScript does not wait for the answer.
                wanted.forEach(this::subscribe);
            }
            return null;
        }

        @Override
        void speak() {
            if (!hears.contains(own)) {
                return;
            }
            for (String channel : List.copyOf(wanted)) {
                if (!hears.contains(channel) && !asked.containsValue(channel)) {
                    subscribe(channel);
                }
            }
            String channel = channels.get(random.nextInt(channels.size()));
            if (!calm && chance(80) && asked.isEmpty()) {
                if (!wanted.remove(channel)) {
                    wanted.add(channel);
                    return;
                }
                hears.remove(channel);
                toSend.add(new ClientMessage.Unsubscribe(List.of(channel), ask(UNSUBSCRIBED + channel)));
                if (chance(2)) {
                    since.remove(channel);
                    last.remove(channel);
                }
            }
        }

        private void subscribe(String channel) {
            toSend.add(new ClientMessage.Subscribe(List.of(channel), false, since.get(channel), ask(channel)));
        }

        private JsonNode ask(String what) {
            asked.put(++ids, what);
            return JSON.getNodeFactory().numberNode(ids);
        }

        @Override
        Era eraOf(String channel) {
            return sharded ? Objects.requireNonNull(since.get(channel)).era() : super.eraOf(channel);
        }

        @Override
        boolean isReady() {
            return asked.isEmpty() && hears.contains(own) && hears.containsAll(wanted);
        }

        @Override
        void hear(String lines) {
            lines.lines().map(this::parse).forEach(this::hear);
        }

        private void hear(JsonNode message) {
            String channel = asked.remove(message.path("id").asInt());
            JsonNode push = message.path("push");
            if (message.has("error")) {
                violation(channel + " is refused: " + message);
            } else if (message.has("connect")) {
                began(own, message.get("connect").get("subs").get(own));
            } else if (message.has("subscribe")) {
                began(Objects.requireNonNull(channel), message.get("subscribe"));
            } else if (push.has("pub")) {
                String of = push.get("channel").textValue();
                if (hears.contains(of)) {
                    published(of, push.get("pub"));
                }
            } else if (push.has("unsubscribe")) {
                count("restarts of channels");
                hears.remove(push.get("channel").textValue());
            } else if (push.has("subscribe")) {
                began(own, push.get("subscribe"));
            } else if (push.has("message")) {
                JsonNode data = push.get("message").get("data");
                if (data.get("action").textValue().equals("missed")) {
                    missed.merge(
                            data.get("channel").textValue(), data.get("count").intValue(), Integer::sum);
                } else if (data.get("action").textValue().equals("gap")) {
                    count("gaps");
                    // A channel with a position is to be subscribed to again instead.
                    hears.stream().filter(heard -> !isNamed(heard)).forEach(this::inGap);
                }
            }
        }

        private void inGap(String channel) {
            Integer before = last.remove(channel);
            if (before != null) {
                lastBeforeGap.put(channel, before);
            }
        }

        private boolean isNamed(String channel) {
            Position known = since.get(channel);
            return known != null && !known.equals(Position.NOWHERE);
        }

        private void began(String channel, JsonNode start) {
            if (start.has("recovered")) {
                count("recovered " + start.get("recovered"));
            }
            if (!channel.equals(own) && !wanted.contains(channel)) {
                return;
            }
            hears.add(channel);
            lastBeforeGap.remove(channel);
            if (!start.path("recovered").booleanValue()) {
                // A slower pod may not have read yet what a faster one sent.
                seen.remove(channel);
            }
            String epoch = start.get("epoch").textValue();
            Position begins = epoch.equals("_")
                    ? Position.NOWHERE
                    : Position.withoutNonce(
                            Era.parse(epoch), start.get("offset").longValue());
            since.put(channel, begins);
            if (start.path("recovered").booleanValue()) {
                start.get("publications").forEach(publication -> published(channel, publication));
                int all = publishedUpTo(
                        channel, Objects.requireNonNull(since.get(channel)).of(channel));
                if (last.containsKey(channel) && last.get(channel) != all) {
                    violation(channel + " recovered " + last.get(channel) + " of " + all);
                }
            } else if (begins.equals(Position.NOWHERE)) {
                last.remove(channel);
            } else {
                last.put(channel, publishedUpTo(channel, begins.of(channel)));
            }
        }

        private void published(String channel, JsonNode publication) {
            String data = publication.get("data").textValue();
            long offset = publication.path("offset").longValue();
            int number = Integer.parseInt(data.substring(0, data.indexOf('\n')));
            Position before = since.get(channel);
            if (sharded && !isNamed(channel)) {
                // Gaps allow jumps; a master that lags may send its last ones late. Nothing comes twice.
                if (!seen.computeIfAbsent(channel, x -> new HashSet<>()).add(number)) {
                    violation(channel + " " + number + " came again");
                }
                return;
            }
            if (sharded && offset == 0) {
                violation(channel + " " + number + " has no offset");
            }
            seen.computeIfAbsent(channel, x -> new HashSet<>()).add(number);
            Integer told = lastBeforeGap.remove(channel);
            if (told != null && number <= told) {
                violation(channel + ": after a gap, after " + told + ", came " + number);
            }
            follows(channel, number, offset, false);
            if (offset != 0 && before != null && isNamed(channel)) {
                since.put(channel, Position.withoutNonce(before.era(), offset));
            }
        }
    }
}
