package dev.sluice.bench.attack;

import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.harness.KeyServer;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ServerProcess;
import dev.sluice.harness.Tokens;
import dev.sluice.harness.Tokens.NamedKey;
import dev.sluice.harness.Waiting;
import dev.sluice.harness.attack.Attack;
import dev.sluice.harness.attack.Attackers;
import dev.sluice.harness.attack.Attackers.Signer;
import dev.sluice.harness.attack.Attackers.Target;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The servers of one trial: a Redis, a pod, a webhook that never answers, and, if the attack needs it, a slow key server. */
final class AttackedPod implements AutoCloseable {

    /** A third of the heap that k8s/base gives a pod. */
    static final List<String> FLAGS =
            List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UseCompactObjectHeaders");

    /** The backlog of the webhook, which accepts no connection: more than the pod opens at once. */
    private static final int WAITING = 1024;

    /** The time until the key server answers. */
    private static final Duration KEYS_TAKE = Duration.ofMillis(1_900);

    private final ServerSocket webhook;
    private final Optional<KeyServer> keys;
    private final Redis redis;
    private final Pod pod;

    private AttackedPod(ServerSocket webhook, Optional<KeyServer> keys, Redis redis, Pod pod) {
        this.webhook = webhook;
        this.keys = keys;
        this.redis = redis;
        this.pod = pod;
    }

    static AttackedPod start(Attack attack, Path jar, Path logs) {
        ServerSocket webhook = silence();
        Redis redis = Sluice.redis(logs);
        Optional<NamedKey> key = attack.needsKeyServer() ? Optional.of(NamedKey.rsa("bench")) : Optional.empty();
        Optional<KeyServer> keys = key.map(AttackedPod::serve);
        Credentials.signWith(key);
        try {
            int port = Ports.free();
            int management = Ports.free();
            ProcessBuilder builder =
                    new ProcessBuilder(Sluice.pinned(command(jar, attack.settings(), webhook.getLocalPort())));
            builder.environment()
                    .putAll(keys.map(server -> Sluice.environment(port, management, redis.uri(), server.url()))
                            .orElseGet(() -> Sluice.environment(port, management, redis.uri())));
            Pod pod = Pod.launched(builder, logs.resolve("pod.log")).awaitReady();
            return new AttackedPod(webhook, keys, redis, pod);
        } catch (RuntimeException e) {
            redis.close();
            throw e;
        }
    }

    private static KeyServer serve(NamedKey key) {
        KeyServer server = new KeyServer();
        KeyServer.Answer answer = KeyServer.http("200 OK", Tokens.jwks(key), "Content-Type: application/json");
        server.answers((client, out) -> {
            Waiting.sleep(KEYS_TAKE);
            answer.to(client, out);
        });
        return server;
    }

    private static ServerSocket silence() {
        try {
            return new ServerSocket(0, WAITING, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new IllegalStateException("can't listen", e);
        }
    }

    private static List<String> command(Path jar, List<String> settings, int webhook) {
        List<String> flags = new ArrayList<>(FLAGS);
        flags.addAll(settings);
        flags.addAll(List.of(
                "-Dsluice.webhook.url=http://127.0.0.1:" + webhook,
                "-Dsluice.routes.asked.audience=subscribers",
                "-Dsluice.routes.asked.access=webhook"));
        return Sluice.command(flags, jar);
    }

    Redis redis() {
        return redis;
    }

    Pod pod() {
        return pod;
    }

    /** The address to which clients connect. */
    InetSocketAddress entrance() {
        return Ports.address(pod.port());
    }

    /** What attackers know of it, with their position if the attack resumes from one. */
    Target target(Attack attack) {
        Target target = target("");
        return attack.resumes() ? target(Attackers.position(target)) : target;
    }

    private Target target(String since) {
        Signer tokens = new Signer() {
            @Override
            public String of(String user, String... groups) {
                return Credentials.of(user, groups);
            }

            @Override
            public String ofKey(String keyId, String user) {
                return Credentials.ofKey(keyId, user);
            }
        };
        return new Target(entrance(), tokens, since, AttackedPod::yieldToAll);
    }

    /**
     * From now on the calling thread gets a core only if no other thread wants it, so that attackers take no CPU time from the other
     * clients, whose latencies are measured.
     */
    private static void yieldToAll() {
        try {
            String thread =
                    Path.of("/proc/thread-self").toRealPath().getFileName().toString();
            ServerProcess.output("chrt", "--idle", "--pid", "0", thread)
                    .orElseThrow(() -> new IllegalStateException("chrt fails, or there is none"));
        } catch (IOException e) {
            throw new IllegalStateException("can't tell which thread this is", e);
        }
    }

    @Override
    public void close() {
        pod.close();
        redis.close();
        keys.ifPresent(KeyServer::close);
        try {
            webhook.close();
        } catch (IOException e) {
            throw new IllegalStateException("can't close a socket", e);
        }
    }
}
