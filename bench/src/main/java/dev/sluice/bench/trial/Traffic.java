package dev.sluice.bench.trial;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.account.Books.ClientLog;
import dev.sluice.bench.account.Books.Publications;
import dev.sluice.bench.load.ClientLoop;
import dev.sluice.bench.trial.Listener.Backoff;
import dev.sluice.bench.trial.Listener.Jitter;
import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import dev.sluice.bench.trial.Publisher.Numbered;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Waiting;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelOption;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Publishers and clients of one trial. Only the thread of their event loop uses their state. The methods of this class are for one other
 * thread, and block.
 */
public final class Traffic implements AutoCloseable {

    /** How long to wait for publications to arrive; some may be lost. */
    private static final Duration SETTLING = Duration.ofSeconds(10);

    /** How long to wait for surplus publications. */
    private static final Duration SURPLUS_WAIT = Duration.ofMillis(500);

    /** The time between the starts of two clients; new pods are slow. */
    private static final long ENTRANCE_MILLIS = 5;

    private static final int LONGEST_SURPRISE = 300;
    private static final int PUBLISHERS = 4;
    private static final int BUFFER = 64 * 1024;

    private final ClientLoop loop = new ClientLoop();
    private final Random random;
    private final InetSocketAddress entrance;
    private final List<String> uploads = new ArrayList<>();
    private final List<String> results = new ArrayList<>();
    private final Map<String, Publications> published = new HashMap<>();
    private final List<Listener> clients = new ArrayList<>();
    private final List<Listener> notReading = new ArrayList<>();
    private final List<Publisher> publishers = new ArrayList<>();
    private final List<String> surprises = new ArrayList<>();
    private boolean jittering;

    /** Clients of {@code sluice.v1}. */
    public Traffic(Load load, InetSocketAddress entrance, Destination destination, Random random) {
        this(load, List.of(SluiceProtocol.V1), entrance, destination, random);
    }

    /** @param protocols of the clients, in turn; publishers use the command of the first */
    public Traffic(Load load, List<? extends Protocol> protocols, Site site, Random random) {
        this(load, protocols, site.entrance(), site.destination(), random);
    }

    /** @param protocols of the clients, in turn; publishers use the command of the first */
    public Traffic(
            Load load,
            List<? extends Protocol> protocols,
            InetSocketAddress entrance,
            Destination destination,
            Random random) {
        this.entrance = entrance;
        this.random = random;
        for (int i = 0; i < load.uploads(); i++) {
            uploads.add("upload:" + i);
        }
        for (int i = 0; load.resultsPerSecond() > 0 && i < load.uploads(); i++) {
            results.add(Books.STREAM + i);
        }
        uploads.forEach(channel -> published.put(channel, new Publications()));
        results.forEach(channel -> published.put(channel, new Publications()));
        for (int i = 0; i < load.clients(); i++) {
            // In pairs: a balancer that gives two pods one client each would otherwise give each pod one protocol.
            Protocol protocol = protocols.get(i / 2 % protocols.size());
            clients.add(client(i, protocol, load, bootstrap()));
        }
        for (int i = 0; i < PUBLISHERS; i++) {
            publish(i, "upload:", protocols.get(0), load.uploadsPerSecond(), load.payloadBytes(), destination);
            publish(i, Books.STREAM, protocols.get(0), load.resultsPerSecond(), load.payloadBytes(), destination);
            publish(i, "user:", protocols.get(0), load.directPerSecond(), load.payloadBytes(), destination);
        }
    }

    /** Starts the clients one after the other, and returns when all have subscribed, and those that resume could do so. */
    public void open() {
        loop.run(() -> {
            for (int i = 0; i < clients.size(); i++) {
                loop.eventLoop().schedule(clients.get(i)::start, i * ENTRANCE_MILLIS, TimeUnit.MILLISECONDS);
            }
        });
        Waiting.until("the clients", this::areAllSubscribed);
        Waiting.until("positions", () -> loop.call(() -> clients.stream().allMatch(Listener::isPositioned)));
    }

    public void publish() {
        loop.run(() -> publishers.forEach(Publisher::start));
    }

    /** Stops publishing, and returns when everything has arrived, or is lost. */
    public void finish() {
        loop.run(() -> publishers.forEach(Publisher::stop));
        Waiting.until(
                "the publishers", () -> loop.call(() -> publishers.stream().allMatch(Publisher::isAnswered)));
        // The audit occupies the event loop, and the last publications would seem to be late.
        Waiting.sleep(SURPLUS_WAIT);
        long deadline = System.nanoTime() + SETTLING.toNanos();
        while (!books(Books::audit).isClean() && System.nanoTime() < deadline) {
            Waiting.sleep(SURPLUS_WAIT);
        }
        Waiting.sleep(SURPLUS_WAIT);
    }

    /** Finds out which entries of streams Redis has lost. */
    public void compareStreams(Redis redis) {
        for (String channel : results) {
            BitSet kept = new BitSet();
            ((List<?>) redis.reply("XRANGE", channel, "-", "+"))
                    .forEach(entry -> kept.set(Numbered.of((String) ((List<?>) ((List<?>) entry).get(1)).get(1))
                            .number()));
            loop.run(() -> published.get(channel).keep(kept));
        }
    }

    /** Makes the publishers connect to the current Redis. */
    public void reconnectPublishers() {
        loop.run(() -> publishers.forEach(Publisher::reconnect));
    }

    public boolean areAllSubscribed() {
        return loop.call(() -> clients.stream().allMatch(Listener::isSubscribed));
    }

    /** A tenth of the clients stop reading until {@link #readAgain}. */
    public void stopReading() {
        loop.run(() -> {
            notReading.addAll(clients.subList(0, clients.size() / 10));
            notReading.forEach(client -> client.read(false));
        });
    }

    public void readAgain() {
        loop.run(() -> {
            notReading.forEach(client -> client.read(true));
            notReading.clear();
        });
    }

    /** Resets the connections of all clients; each client comes back after a random time between these. */
    public void reset(Duration least, Duration most) {
        loop.run(() -> clients.forEach(client -> client.reset(between(least, most))));
    }

    /** From now on the network of each client fails again and again. */
    public void beginJitter(Jitter jitter) {
        loop.run(() -> {
            jittering = true;
            clients.forEach(client -> client.jitter(jitter, () -> jittering, random));
        });
    }

    public void endJitter() {
        loop.run(() -> jittering = false);
    }

    private Duration between(Duration least, Duration most) {
        return Duration.ofNanos(random.nextLong(least.toNanos(), most.toNanos()));
    }

    /** What the function makes of the books; it is called on the event loop, which writes them. */
    public <T> T books(Function<Books, T> reader) {
        return loop.call(() -> reader.apply(
                new Books(published, clients.stream().map(Listener::log).toList(), List.copyOf(surprises))));
    }

    /** Only surprises from now on count. */
    public void forgetSurprises() {
        loop.run(surprises::clear);
    }

    @Override
    public void close() {
        loop.run(() -> {
            publishers.forEach(Publisher::stop);
            clients.forEach(Listener::stop);
        });
        loop.close();
    }

    /** The name of a client's user. */
    static String user(int client) {
        return "u" + client;
    }

    private Listener client(int which, Protocol protocol, Load load, Bootstrap bootstrap) {
        String name = user(which);
        Set<String> channels = new HashSet<>();
        while (channels.size() < load.uploadsPerClient()) {
            channels.add(uploads.get(random.nextInt(uploads.size())));
        }
        if (!results.isEmpty()) {
            channels.add(results.get(random.nextInt(results.size())));
        }
        if (which < load.members()) {
            channels.add(Watchers.ROOM);
            published.computeIfAbsent(Watchers.ROOM, channel -> new Publications());
        }
        channels.add("user:" + name);
        published.computeIfAbsent("user:" + name, channel -> new Publications());
        ClientLog log = new ClientLog(name, protocol.toString(), protocol.resumes(), channels);
        return new Listener(bootstrap, loop.eventLoop(), entrance, protocol, log, new Backoff(random), this::surprise);
    }

    private void surprise(String message) {
        surprises.add(message.substring(0, Math.min(message.length(), LONGEST_SURPRISE)));
    }

    /** Each channel has only one publisher, so that its publications have an order. */
    private void publish(
            int which,
            String prefix,
            Protocol protocol,
            double perSecondOfAll,
            int payloadBytes,
            Destination destination) {
        Map<String, Publications> own = new HashMap<>();
        published.forEach((channel, publications) -> {
            if (channel.startsWith(prefix) && Integer.parseInt(channel.replaceAll("\\D", "")) % PUBLISHERS == which) {
                own.put(channel, publications);
            }
        });
        publishers.add(new Publisher(
                bootstrap(),
                loop.eventLoop(),
                destination,
                protocol,
                own,
                perSecondOfAll / PUBLISHERS,
                payloadBytes,
                random));
    }

    private Bootstrap bootstrap() {
        // Fixed, so that the kernel buffers little for a client that does not read.
        return loop.bootstrap().option(ChannelOption.SO_RCVBUF, BUFFER);
    }

    /** Where publications go. */
    public interface Destination {

        /** Finds the server that takes the publications of the channel, which may change; it does not block. */
        Supplier<InetSocketAddress> of(String channel);

        /** The command instead of one of a protocol. */
        default List<String> command(List<String> usual) {
            return usual;
        }
    }

    /**
     * The number of clients, and what is published to them.
     *
     * @param clients that behave well
     * @param uploads channels that clients share
     * @param uploadsPerClient the number of them that each client hears
     * @param uploadsPerSecond publications on all of them together
     * @param directPerSecond publications to single users, all together
     * @param resultsPerSecond entries of streams, of which there are as many as uploads; each client hears one
     * @param payloadBytes of each publication
     * @param members clients that hear {@link Watchers#ROOM} as well, on which nothing is published
     */
    public record Load(
            int clients,
            int uploads,
            int uploadsPerClient,
            double uploadsPerSecond,
            double directPerSecond,
            double resultsPerSecond,
            int payloadBytes,
            int members) {

        /** Channels that clients share under {@link #of}. */
        private static final int UPLOADS = 20;

        private static final int UPLOADS_PER_CLIENT = 3;
        private static final int PAYLOAD_BYTES = 200;
        private static final int MEMBERS_PERCENT = 30;

        /** As of many pages that watch a few uploads each. */
        public static Load of(int clients) {
            return new Load(clients, UPLOADS, UPLOADS_PER_CLIENT, 160, clients / 2.0, 0, PAYLOAD_BYTES, 0);
        }

        /** As of many pages, each channel of which is watched by a few and says something once a second; some are members. */
        public static Load crowd(int clients) {
            int uploads = Math.max(UPLOADS_PER_CLIENT, clients / 10);
            int members = clients * MEMBERS_PERCENT / 100;
            return new Load(clients, uploads, UPLOADS_PER_CLIENT, uploads, clients / 2.0, 0, PAYLOAD_BYTES, members);
        }

        /** As of many pages on which little happens: each client hears some eight publications a second. */
        public static Load modest(int clients) {
            return new Load(clients, UPLOADS, UPLOADS_PER_CLIENT, 50, clients / 10.0, 0, PAYLOAD_BYTES, 0);
        }

        /** The same, and as many entries of streams as publications on the channels that clients share. */
        public Load withStreams() {
            return new Load(
                    clients,
                    uploads,
                    uploadsPerClient,
                    uploadsPerSecond,
                    directPerSecond,
                    uploadsPerSecond,
                    payloadBytes,
                    members);
        }

        /** Of a third of the clients, with payloads so large that they fill what lies between a pod and one that reads nothing. */
        public Load large() {
            return new Load(
                    clients / 3,
                    uploads,
                    uploadsPerClient,
                    uploadsPerSecond,
                    directPerSecond / 3,
                    resultsPerSecond / 3,
                    16_000,
                    members);
        }
    }
}
