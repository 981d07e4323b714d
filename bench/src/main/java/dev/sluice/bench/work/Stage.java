package dev.sluice.bench.work;

import dev.sluice.bench.contender.Contender;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.LoadGenerator;
import dev.sluice.bench.load.Publication;
import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Storm;
import dev.sluice.bench.load.Workload;
import dev.sluice.bench.process.Server;
import dev.sluice.bench.process.Waiting;
import dev.sluice.harness.Redis;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** What a trial plays on: a Redis, the server and the load generator, all of them new, and gone afterwards. */
final class Stage implements AutoCloseable {

    /** The upload that clients subscribe to. */
    static final String UPLOAD = "bench";

    /** The channels of the users, whose ids are of fixed width. */
    static final ChannelName USER_CHANNELS = new ChannelName("user:u", 5);

    private final Contender contender;
    private final Redis redis;
    private final Server server;
    private final LoadGenerator load = new LoadGenerator();

    private Stage(Contender contender, Redis redis, Server server) {
        this.contender = contender;
        this.redis = redis;
        this.server = server;
    }

    /**
     * @param connectsPerSecond how many may connect to the server in a second, where it has such a limit
     * @param logs where the processes leave theirs
     */
    static Stage set(Contender contender, int connectsPerSecond, Path logs) {
        Redis redis = Sluice.redis(logs);
        try {
            return new Stage(contender, redis, contender.start(redis, connectsPerSecond, logs));
        } catch (RuntimeException e) {
            redis.close();
            throw e;
        }
    }

    /** Clients that hear what is published to them. */
    void admitUsers(int count) {
        load.admit(server.address(), users(count));
    }

    /** Clients that hear {@link #UPLOAD} as well. */
    void admitSubscribers(int count) {
        load.admit(server.address(), subscribers(count));
    }

    /** The same a few at a time, at half the rate given, so that none of them is refused. */
    void admitSubscribers(int count, int connectsPerSecond) {
        int group = Math.max(1, connectsPerSecond / 20);
        List<Session> all = subscribers(count);
        for (int from = 0; from < count; from += group) {
            load.admit(server.address(), all.subList(from, Math.min(count, from + group)));
            Waiting.sleep(Duration.ofMillis(100));
        }
    }

    /** Subscribers that then read nothing. */
    void admitSleepers(int count) {
        load.admitSleeping(server.address(), subscribers(count));
    }

    /** Lets clients come and go, so that everything is loaded that clients need. */
    void rehearse(int count) {
        try (LoadGenerator rehearsal = new LoadGenerator()) {
            rehearsal.admit(server.address(), users(count));
        }
    }

    /**
     * Clients that are going to come all at once, of users nobody else is.
     *
     * @param attempts after which one gives up
     */
    Storm storm(int count, int attempts) {
        List<Session> strangers = sessions(count, i -> contender.user("storm" + i));
        return new Storm(server.address(), strangers, attempts);
    }

    Publication publication(ChannelName channel, int payloadBytes) {
        return new Publication(contender.protocol(), channel, payloadBytes);
    }

    void publishInClosedLoop(Workload workload, int window, int refill) {
        load.publishInClosedLoop(contender.publishTo(redis, server), contender.protocol(), workload, window, refill);
    }

    void publishAtPace(Workload workload, int unitsPerSecond) {
        load.publishAtPace(contender.publishTo(redis, server), contender.protocol(), workload, unitsPerSecond);
    }

    void collectGarbage() {
        contender.collectGarbage(server);
    }

    Redis redis() {
        return redis;
    }

    Server server() {
        return server;
    }

    LoadGenerator load() {
        return load;
    }

    @Override
    public void close() {
        load.close();
        server.close();
        redis.close();
    }

    private List<Session> users(int count) {
        return sessions(count, i -> contender.user(userId(i)));
    }

    private List<Session> subscribers(int count) {
        return sessions(count, i -> contender.subscriber(userId(i), UPLOAD));
    }

    private static List<Session> sessions(int count, IntFunction<Session> session) {
        return IntStream.range(0, count).mapToObj(session).toList();
    }

    private static String userId(int number) {
        return "u%05d".formatted(number);
    }
}
