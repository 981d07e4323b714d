package dev.sluice.bench.traffic;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** Clients that behave badly, come and go. Only for the event loop. */
final class Nuisances {

    private static final long INTERVAL_MILLIS = 20;
    private static final int SMALL_BUFFER = 4096;

    private final Bootstrap bootstrap;
    private final EventLoop loop;
    private final InetSocketAddress entrance;
    private final Collection<String> channels;
    private final RandomGenerator random;
    private final List<Nuisance> all = new ArrayList<>();
    private Nuisance.Kind coming;

    Nuisances(
            Bootstrap bootstrap,
            EventLoop loop,
            InetSocketAddress entrance,
            Collection<String> channels,
            RandomGenerator random) {
        this.bootstrap = bootstrap;
        this.loop = loop;
        this.entrance = entrance;
        this.channels = channels;
        this.random = random;
    }

    /** Ever more of them come. */
    void begin(Nuisance.Kind kind) {
        coming = kind;
        keepComing();
    }

    /** No more of them come. */
    void end() {
        coming = null;
    }

    /** So many come that subscribe and never read. */
    void stall(int howMany) {
        for (int i = 0; i < howMany; i++) {
            come(Nuisance.Kind.STALLS, bootstrap.clone().option(ChannelOption.SO_RCVBUF, SMALL_BUFFER));
        }
    }

    /** The trial is over. */
    void leave() {
        end();
        all.forEach(Nuisance::leave);
    }

    private void keepComing() {
        if (coming != null) {
            come(coming, bootstrap);
            loop.schedule(this::keepComing, INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private void come(Nuisance.Kind kind, Bootstrap through) {
        Nuisance next = new Nuisance(kind, "nuisance" + all.size(), channels, random);
        all.add(next);
        next.begin(through, entrance);
    }
}
