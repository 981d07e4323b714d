package dev.sluice.bench.traffic;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.account.ClientLog;
import dev.sluice.bench.account.Publications;
import dev.sluice.bench.process.BenchFailure;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.traffic.Listener.Backoff;
import dev.sluice.bench.traffic.Nuisances.Nuisance;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Publishers and clients of one trial. All of them live on one event loop, whose thread alone touches their state; the
 * methods here are for one other thread, and block.
 */
public final class Traffic implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** Until everything has arrived that has been published; there is nothing to see where something never will. */
    private static final Duration SETTLING = Duration.ofSeconds(10);

    /** How long nothing may come any more before it is believed that nothing does. */
    private static final Duration SURPLUS_WAIT = Duration.ofMillis(500);

    /** Between two of them; pods that have just been started are slow. */
    private static final long ENTRANCE_MILLIS = 5;

    private static final int LONGEST_SURPRISE = 300;
    private static final int PUBLISHERS = 4;
    private static final int BUFFER = 64 * 1024;

    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final Random random;
    private final InetSocketAddress entrance;
    private final List<String> uploads = new ArrayList<>();
    private final Map<String, Publications> published = new HashMap<>();
    private final List<Listener> clients = new ArrayList<>();
    private final List<Listener> sleepers = new ArrayList<>();
    private final List<Publisher> publishers = new ArrayList<>();
    private final List<String> surprises = new ArrayList<>();
    private final Nuisances nuisances;
    private boolean jittering;

    /** With clients of the first protocol. */
    public Traffic(Load load, InetSocketAddress entrance, Supplier<InetSocketAddress> redis, Random random) {
        this(load, List.of(SluiceProtocol.V1), entrance, redis, random);
    }

    /** @param protocols of the clients, in turn; publications are published by the first one's command */
    public Traffic(
            Load load,
            List<? extends Protocol> protocols,
            InetSocketAddress entrance,
            Supplier<InetSocketAddress> redis,
            Random random) {
        this.entrance = entrance;
        this.random = random;
        for (int i = 0; i < load.uploads(); i++) {
            uploads.add("upload:" + i);
        }
        uploads.forEach(channel -> published.put(channel, new Publications()));
        for (int i = 0; i < load.clients(); i++) {
            // In pairs: a balancer that gives two pods one client each would otherwise give each pod one protocol.
            Protocol protocol = protocols.get(i / 2 % protocols.size());
            clients.add(client("u" + i, protocol, load.uploadsPerClient(), bootstrap()));
        }
        nuisances = new Nuisances(bootstrap(), loop, entrance, uploads, random);
        for (int i = 0; i < PUBLISHERS; i++) {
            publish(i, "upload:", protocols.get(0), load.uploadsPerSecond() / PUBLISHERS, load.payloadBytes(), redis);
            publish(i, "user:", protocols.get(0), load.directPerSecond() / PUBLISHERS, load.payloadBytes(), redis);
        }
    }

    /** Lets the clients in, not all of them at once, and returns once all of them hear their channels. */
    public void open() {
        run(() -> {
            for (int i = 0; i < clients.size(); i++) {
                loop.schedule(clients.get(i)::start, i * ENTRANCE_MILLIS, TimeUnit.MILLISECONDS);
            }
        });
        await("the clients", this::isEverybodySubscribed);
    }

    public void publish() {
        run(() -> publishers.forEach(Publisher::start));
    }

    /** Publishes no more, and returns once everything has arrived, or nothing that is missing will any more. */
    public void finish() {
        run(() -> publishers.forEach(Publisher::stop));
        await("the publishers", () -> call(() -> publishers.stream().allMatch(Publisher::isAnswered)));
        long deadline = System.nanoTime() + SETTLING.toNanos();
        while (!books(Books::audit).isClean() && System.nanoTime() < deadline) {
            Waiting.sleep(SURPLUS_WAIT);
        }
        Waiting.sleep(SURPLUS_WAIT);
    }

    /** Redis is somewhere else now. */
    public void reconnectPublishers() {
        run(() -> publishers.forEach(Publisher::reconnect));
    }

    public boolean isEverybodySubscribed() {
        return call(() -> clients.stream().allMatch(Listener::isSubscribed));
    }

    /** A tenth of the clients read nothing until they are woken. */
    public void fallAsleep() {
        run(() -> {
            sleepers.addAll(clients.subList(0, clients.size() / 10));
            sleepers.forEach(client -> client.read(false));
        });
    }

    public void wake() {
        run(() -> {
            sleepers.forEach(client -> client.read(true));
            sleepers.clear();
        });
    }

    /** The connections of all clients are reset at once; each client comes back after a time between these. */
    public void reset(Duration least, Duration most) {
        run(() -> clients.forEach(client -> client.reset(between(least, most))));
    }

    /** From now on the networks of all clients jitter. */
    public void beginJitter(Jitter jitter) {
        run(() -> {
            jittering = true;
            clients.forEach(client -> jitter.begin(client, () -> jittering, loop, random));
        });
    }

    public void endJitter() {
        run(() -> jittering = false);
    }

    private Duration between(Duration least, Duration most) {
        return Duration.ofNanos(random.nextLong(least.toNanos(), most.toNanos()));
    }

    /** Ever more clients come that reset their connections. */
    public void beginResetting() {
        run(() -> nuisances.begin(Nuisance.Kind.RESETS));
    }

    /** Ever more clients come that talk rubbish. */
    public void beginRubbish() {
        run(() -> nuisances.begin(Nuisance.Kind.TALKS_RUBBISH));
    }

    /** No more of them come. */
    public void endNuisance() {
        run(nuisances::end);
    }

    /** So many clients come that subscribe and never read. */
    public void stall(int howMany) {
        run(() -> nuisances.stall(howMany));
    }

    /** What comes of the books, on the thread that writes them. */
    public <T> T books(Function<Books, T> reader) {
        return call(() -> reader.apply(
                new Books(published, clients.stream().map(Listener::log).toList())));
    }

    /** What was said to clients and never should be, shortened. */
    public List<String> surprises() {
        return call(() -> List.copyOf(surprises));
    }

    @Override
    public void close() {
        run(() -> {
            publishers.forEach(Publisher::stop);
            clients.forEach(Listener::stop);
            nuisances.leave();
        });
        group.shutdownGracefully(0, PATIENCE.toSeconds(), TimeUnit.SECONDS).syncUninterruptibly();
    }

    private Listener client(String name, Protocol protocol, int howManyUploads, Bootstrap bootstrap) {
        Set<String> channels = new HashSet<>();
        while (channels.size() < howManyUploads) {
            channels.add(uploads.get(random.nextInt(uploads.size())));
        }
        channels.add("user:" + name);
        published.computeIfAbsent("user:" + name, channel -> new Publications());
        ClientLog log = new ClientLog(name, protocol.resumes(), channels);
        return new Listener(bootstrap, loop, entrance, protocol, log, new Backoff(random), this::surprise);
    }

    private void surprise(String message) {
        surprises.add(message.substring(0, Math.min(message.length(), LONGEST_SURPRISE)));
    }

    /** Each channel has one publisher: only so is there an order. */
    private void publish(
            int which,
            String prefix,
            Protocol protocol,
            double perSecond,
            int payloadBytes,
            Supplier<InetSocketAddress> redis) {
        Map<String, Publications> own = new HashMap<>();
        published.forEach((channel, publications) -> {
            if (channel.startsWith(prefix) && Integer.parseInt(channel.replaceAll("\\D", "")) % PUBLISHERS == which) {
                own.put(channel, publications);
            }
        });
        publishers.add(new Publisher(bootstrap(), loop, redis, protocol, own, perSecond, payloadBytes, random));
    }

    private Bootstrap bootstrap() {
        return new Bootstrap()
                .group(loop)
                .channel(EpollSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                // Fixed, so that the kernel does not read on for a client that does not.
                .option(ChannelOption.SO_RCVBUF, BUFFER)
                // Closing resets, so that no port is left waiting.
                .option(ChannelOption.SO_LINGER, 0);
    }

    private void run(Runnable onLoop) {
        call(() -> {
            onLoop.run();
            return null;
        });
    }

    private <T> T call(Callable<T> onLoop) {
        CompletableFuture<T> result = new CompletableFuture<>();
        loop.execute(() -> {
            try {
                result.complete(onLoop.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        try {
            return result.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new BenchFailure("the traffic: " + e.getCause(), e.getCause());
        } catch (TimeoutException e) {
            throw new BenchFailure("the traffic is still busy after " + PATIENCE.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            throw new BenchFailure("interrupted", e);
        }
    }

    private static void await(String what, BooleanSupplier isSo) {
        Waiting.until(what, isSo);
    }
}
