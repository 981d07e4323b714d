package dev.sluice.harness;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Publishes numbers on channels of a cluster in turn, keeps what a node has confirmed, and compares it with what a client
 * got, and with the gaps of which it was told. Only its own thread publishes; the methods are for one other thread.
 */
public final class ClusterLoad implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();

    private record Confirmed(String channel, Instant before, Instant after) {}

    /** @param until {@code null} while the gap lasts */
    private record Told(Instant since, @Nullable Instant until) {

        boolean covers(Confirmed one) {
            return until != null && !one.after.isBefore(since) && one.before.isBefore(until);
        }
    }

    /** Publishes a payload; throws if no node has confirmed it. */
    @FunctionalInterface
    private interface Publishing {
        void publish(int number, String channel);
    }

    private final List<String> channels;
    private final Client client;
    private final Map<Integer, Confirmed> confirmed = new ConcurrentHashMap<>();

    /** By channel, or by the empty text if they are of all channels. */
    private final Map<String, List<Told>> gaps = new HashMap<>();

    private final Set<String> heard = new HashSet<>();
    private final Thread thread;
    private volatile boolean ended;

    private ClusterLoad(List<String> channels, Client client, Publishing publishing, Runnable close) {
        this.channels = List.copyOf(channels);
        this.client = client;
        this.thread = new Thread(() -> {
            publish(publishing);
            close.run();
        });
        thread.start();
    }

    /** Publishes each channel on its shard. */
    public static ClusterLoad onShards(RedisCluster cluster, Client client, List<String> channels) {
        Map<String, Redis> masters = new HashMap<>();
        Publishing publishing = (number, channel) -> {
            try {
                Redis master = masters.computeIfAbsent(channel, cluster::masterOf);
                Object receivers = master.reply("SPUBLISH", channel, "" + number);
                if (Long.valueOf(0).equals(receivers) && !master.isMaster()) {
                    throw new IllegalStateException("a replica takes it, but may not pass it on to its master");
                }
            } catch (RuntimeException refused) {
                // It has moved, is dead, or was demoted.
                masters.remove(channel);
                throw refused;
            }
        };
        return new ClusterLoad(channels, client, publishing, () -> {});
    }

    /** Publishes on all running nodes in turn. */
    public static ClusterLoad onAllNodes(RedisCluster cluster, Client client, String channel) {
        List<Redis.Publisher> publishers =
                new ArrayList<>(cluster.running().stream().map(Redis::publisher).toList());
        Publishing publishing = (number, to) -> {
            Redis.Publisher publisher = publishers.get(number % publishers.size());
            try {
                publisher.publish(to, ("" + number).getBytes(StandardCharsets.US_ASCII));
            } catch (UncheckedIOException dead) {
                publishers.remove(publisher);
                throw dead;
            }
        };
        return new ClusterLoad(List.of(channel), client, publishing, () -> publishers.forEach(Redis.Publisher::close));
    }

    private void publish(Publishing publishing) {
        for (int number = 0; !ended; number++) {
            String channel = channels.get(number % channels.size());
            Instant before = Instant.now();
            try {
                publishing.publish(number, channel);
                confirmed.put(number, new Confirmed(channel, before, Instant.now()));
            } catch (RuntimeException unconfirmed) {
                // It may arrive or not.
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    /** Waits until so many more publications are confirmed. */
    public void awaitPublished(int more) {
        int before = confirmed.size();
        await("publications").until(() -> confirmed.size() >= before + more);
    }

    /** Waits until the client was told of a gap, and of the ends of all gaps. */
    public void awaitGaps() {
        await("gaps and their ends").until(() -> areClosed() && !gaps.isEmpty());
    }

    /** Returns the channels of whose gaps the client was told. */
    public Set<String> channelsWithGaps() {
        read();
        return Set.copyOf(gaps.keySet());
    }

    /** Stops, and waits until each confirmed publication has come, or was within a gap of its channel. */
    public void awaitNothingLostUntold() {
        end();
        await("each publication, or a gap").until(() -> areClosed() && countLost(true) == 0);
        System.out.printf(
                "%d confirmed, %d lost within gaps of %s%n",
                confirmed.size(), countLost(false), gaps.containsKey("") ? "all channels" : gaps.size() + " channels");
    }

    private long countLost(boolean onlyUntold) {
        return confirmed.entrySet().stream()
                .filter(one -> !heard.contains("" + one.getKey()))
                .filter(one -> !onlyUntold || !isTold(one.getValue()))
                .count();
    }

    private boolean isTold(Confirmed one) {
        return covers("", one) || covers(one.channel, one);
    }

    private boolean covers(String channel, Confirmed one) {
        return gaps.getOrDefault(channel, List.of()).stream().anyMatch(gap -> gap.covers(one));
    }

    /** Whether every gap has an end. */
    private boolean areClosed() {
        read();
        return gaps.values().stream().allMatch(told -> told.get(told.size() - 1).until != null);
    }

    private void read() {
        client.rest().forEach(message -> heard.add((String) message));
        for (String message : client.restOfGaps()) {
            try {
                JsonNode gap = JSON.readTree(message);
                String channel = gap.path("channel").asText();
                // The user's own channel may be on any shard.
                if (channel.isEmpty() || channels.contains(channel)) {
                    JsonNode until = gap.path("until");
                    gaps.computeIfAbsent(channel, missing -> new ArrayList<>())
                            .add(new Told(
                                    Instant.parse(gap.path("since").asText()),
                                    until.isTextual() ? Instant.parse(until.asText()) : null));
                }
            } catch (JsonProcessingException e) {
                throw new AssertionError("no JSON: " + message, e);
            }
        }
    }

    private void end() {
        ended = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        end();
    }
}
