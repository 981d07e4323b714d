package dev.sluice.harness;

import static org.awaitility.Awaitility.await;

import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.awaitility.core.ConditionFactory;
import org.awaitility.core.ConditionTimeoutException;

/**
 * A real Redis Cluster, or one of Valkeys, of three masters with a replica each. It detects dead nodes after three seconds:
 * with less, nodes of a busy machine would reset the links between them, and publications on these are lost.
 */
public final class RedisCluster implements AutoCloseable {

    private static final int MASTERS = 3;
    private static final int MAX_REDIRECTIONS = 5;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** Redis gives up a failover after five seconds, for example because the master is busy. */
    private static final Duration MANUAL_FAILOVER = Duration.ofSeconds(6);

    private final List<Redis> nodes = new CopyOnWriteArrayList<>();

    private final boolean valkey;

    private RedisCluster(boolean valkey) {
        this.valkey = valkey;
    }

    /** Starts the nodes, and joins them with redis-cli. */
    public static RedisCluster start() {
        return start(false);
    }

    /** The same with Valkeys. */
    public static RedisCluster ofValkeys() {
        return start(true);
    }

    private static RedisCluster start(boolean valkey) {
        RedisCluster cluster = new RedisCluster(valkey);
        try {
            for (int i = 0; i < 2 * MASTERS; i++) {
                cluster.nodes.add(Redis.node(Ports.free(), valkey));
            }
            cluster.redisCli(Stream.concat(
                            Stream.concat(
                                    Stream.of("--cluster", "create"),
                                    cluster.nodes.stream().map(RedisCluster::address)),
                            Stream.of("--cluster-replicas", "1", "--cluster-yes"))
                    .toArray(String[]::new));
            cluster.awaitWhole();
        } catch (RuntimeException e) {
            cluster.close();
            throw e;
        }
        return cluster;
    }

    /** Runs redis-cli, and returns what it prints. */
    public String redisCli(String... arguments) {
        List<String> command = new ArrayList<>(List.of("redis-cli"));
        command.addAll(Arrays.asList(arguments));
        return ServerProcess.succeed(command.toArray(String[]::new));
    }

    /** Returns the address of a node, for redis-cli. */
    public static String address(Redis node) {
        return "127.0.0.1:" + node.port();
    }

    /** Waits until every running node knows all others and a master for every slot, and every replica has its master. */
    public void awaitWhole() {
        patiently("the cluster").ignoreExceptions().until(() -> {
            List<String> ids = running().stream().map(RedisCluster::id).toList();
            return running().stream().allMatch(node -> isWhole(node, ids));
        });
    }

    /** Waits until replicas have replaced all dead masters. */
    public void awaitMasters() {
        patiently("masters")
                .ignoreExceptions()
                .until(() -> masters().containsAll(owners().values())
                        && running().stream()
                                .allMatch(node -> ((String) Objects.requireNonNull(node.reply("CLUSTER", "INFO")))
                                        .contains("cluster_state:ok")));
    }

    private static boolean isWhole(Redis node, List<String> ids) {
        String state = (String) Objects.requireNonNull(node.reply("CLUSTER", "INFO"));
        String nodes = (String) Objects.requireNonNull(node.reply("CLUSTER", "NODES"));
        return state.contains("cluster_state:ok")
                && state.contains("cluster_slots_ok:16384")
                && nodes.lines().noneMatch(line -> line.contains("handshake"))
                && ids.stream().allMatch(nodes::contains)
                && (node.isMaster()
                        || ((String) Objects.requireNonNull(node.reply("INFO", "replication")))
                                .contains("master_link_status:up"));
    }

    private static ConditionFactory patiently(String what) {
        return await(what).atMost(PATIENCE);
    }

    /** Returns the nodes that run. */
    public List<Redis> running() {
        return nodes.stream().filter(node -> node.process().isAlive()).toList();
    }

    /** Returns the masters that run. */
    public List<Redis> masters() {
        return running().stream().filter(Redis::isMaster).toList();
    }

    /** Returns a master that runs and has a replica. */
    public Redis replaceableMaster() {
        return masters().stream()
                .filter(master -> !replicasOf(master).isEmpty())
                .findFirst()
                .orElseThrow();
    }

    /** Returns all nodes. */
    public List<Redis> nodes() {
        return nodes;
    }

    /** Returns the hash slot of a channel. */
    public int slot(String channel) {
        Object slot = Objects.requireNonNull(running().get(0).reply("CLUSTER", "KEYSLOT", channel));
        return ((Long) slot).intValue();
    }

    /** Returns the master that serves the channel's slot. */
    public Redis masterOf(String channel) {
        return owners().floorEntry(slot(channel)).getValue();
    }

    /** Returns the masters by the first slot of each range that they serve, as a running node knows them. */
    public NavigableMap<Integer, Redis> owners() {
        NavigableMap<Integer, Redis> owners = new TreeMap<>();
        for (Object range : (List<?>) Objects.requireNonNull(running().get(0).reply("CLUSTER", "SLOTS"))) {
            List<?> parts = (List<?>) range;
            long port = (Long) ((List<?>) parts.get(2)).get(1);
            owners.put(((Long) parts.get(0)).intValue(), node(port));
        }
        return owners;
    }

    /**
     * Publishes on the shard that the channel belongs to, and returns the number of receivers there. Goes where nodes send it, as clients of
     * Redis do: nodes learn of a moved slot one after the other.
     */
    public long publishToShard(String channel, String payload) {
        Redis master = masterOf(channel);
        for (int redirections = 0; ; redirections++) {
            try {
                return (Long) Objects.requireNonNull(master.reply("SPUBLISH", channel, payload));
            } catch (UncheckedIOException e) {
                String refusal = e.getCause().getMessage();
                if (redirections == MAX_REDIRECTIONS || !refusal.startsWith("-MOVED ")) {
                    throw e;
                }
                master = node(Integer.parseInt(refusal.substring(refusal.lastIndexOf(':') + 1)));
            }
        }
    }

    private Redis node(long port) {
        return nodes.stream().filter(node -> node.port() == port).findFirst().orElseThrow();
    }

    /** Moves a slot without keys to another master, as redis-cli does. */
    public void moveSlot(int slot) {
        Redis to = masters().stream()
                .filter(master -> !owns(master, slot))
                .findFirst()
                .orElseThrow();
        moveSlot(slot, to);
    }

    /** Moves a slot without keys to a master, as redis-cli does. */
    public void moveSlot(int slot, Redis to) {
        Redis from = masters().stream()
                .filter(master -> owns(master, slot))
                .findFirst()
                .orElseThrow();
        String number = Integer.toString(slot);
        String target = id(to);
        to.reply("CLUSTER", "SETSLOT", number, "IMPORTING", id(from));
        from.reply("CLUSTER", "SETSLOT", number, "MIGRATING", target);
        to.reply("CLUSTER", "SETSLOT", number, "NODE", target);
        from.reply("CLUSTER", "SETSLOT", number, "NODE", target);
        awaitWhole();
    }

    /** Waits until redis-cli finds nothing on which nodes disagree. */
    private void awaitAgreement() {
        String node = address(running().get(0));
        patiently("agreement")
                .until(() -> ServerProcess.output("redis-cli", "--cluster", "check", node)
                        .isPresent());
    }

    /** Moves slots from one master to another, with redis-cli. */
    public void reshard(Redis from, Redis to, int slots) {
        awaitAgreement();
        redisCli(
                "--cluster",
                "reshard",
                address(from),
                "--cluster-from",
                id(from),
                "--cluster-to",
                id(to),
                "--cluster-slots",
                "" + slots,
                "--cluster-yes");
    }

    /** Adds a master without slots, with redis-cli. */
    public Redis addNode() {
        awaitAgreement();
        Redis added = Redis.node(Ports.free(), valkey);
        redisCli("--cluster", "add-node", address(added), address(running().get(0)));
        nodes.add(added);
        awaitWhole();
        return added;
    }

    /** Removes a master without slots from the cluster with redis-cli, and ends it. */
    public void removeNode(Redis removed) {
        awaitAgreement();
        redisCli("--cluster", "del-node", address(running().get(0)), id(removed));
        nodes.remove(removed);
        removed.close();
        awaitWhole();
    }

    /** Lets the replica of a master take its place, as before maintenance, and returns it once all nodes know it. */
    public Redis failOver(Redis master) {
        Redis replica = replicasOf(master).get(0);
        patiently("the failover").until(() -> replica.isMaster() || takesOver(replica));
        patiently("the new replica").ignoreExceptions().until(() -> isReplica(master, replica));
        awaitWhole();
        return replica;
    }

    /** Returns the running replicas of a master. */
    public List<Redis> replicasOf(Redis master) {
        return running().stream().filter(node -> isReplica(node, master)).toList();
    }

    private static boolean isReplica(Redis node, Redis master) {
        return ((String) Objects.requireNonNull(node.reply("INFO", "replication")))
                .contains("master_port:" + master.port() + "\r\n");
    }

    private static boolean takesOver(Redis replica) {
        replica.reply("CLUSTER", "FAILOVER");
        try {
            await("the promotion").atMost(MANUAL_FAILOVER).until(replica::isMaster);
            return true;
        } catch (ConditionTimeoutException late) {
            return false;
        }
    }

    private static boolean owns(Redis master, int slot) {
        for (Object range : (List<?>) Objects.requireNonNull(master.reply("CLUSTER", "SLOTS"))) {
            List<?> parts = (List<?>) range;
            if ((Long) parts.get(0) <= slot && slot <= (Long) parts.get(1)) {
                return (Long) ((List<?>) parts.get(2)).get(1) == master.port();
            }
        }
        return false;
    }

    private static String id(Redis node) {
        return (String) Objects.requireNonNull(node.reply("CLUSTER", "MYID"));
    }

    /** Returns the value of {@code quarkus.redis.hosts}. */
    public String uris() {
        return String.join(",", nodes.stream().map(Redis::uri).toList());
    }

    /** Starts the nodes that don't run again, as replicas or masters, whichever they find themselves to be. */
    public void heal() {
        nodes.stream().filter(node -> !node.process().isAlive()).forEach(Redis::startAgain);
        awaitWhole();
    }

    @Override
    public void close() {
        nodes.forEach(Redis::close);
    }
}
