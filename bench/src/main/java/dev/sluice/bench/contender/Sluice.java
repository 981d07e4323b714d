package dev.sluice.bench.contender;

import dev.sluice.bench.contender.Contender.ClientProtocol;
import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.harness.Fork;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Sluice, on a JVM or native, in one of its configurations. */
public final class Sluice implements Contender {

    private static final Path JAVA_BIN = Path.of(System.getProperty("java.home"), "bin");

    private final String id;
    private final List<String> command;
    private final Map<String, String> configuration;
    private final boolean onJvm;
    private final ClientProtocol clients;
    private final PublishProtocol publishers;

    private Sluice(
            String id,
            List<String> command,
            Map<String, String> configuration,
            boolean onJvm,
            ClientProtocol clients,
            PublishProtocol publishers) {
        this.id = id;
        this.command = command;
        this.configuration = configuration;
        this.onJvm = onJvm;
        this.clients = clients;
        this.publishers = publishers;
    }

    /**
     * The packaged jar on the JVM of this process.
     *
     * @param flags of that JVM
     * @param configuration what differs from the defaults, as environment variables
     */
    public static Sluice jar(String id, Path jar, List<String> flags, Map<String, String> configuration) {
        return new Sluice(id, command(flags, jar), configuration, true, ClientProtocol.V1, PublishProtocol.REDIS);
    }

    /** The same configuration with clients of another protocol. */
    public Sluice with(String id, ClientProtocol others) {
        return new Sluice(id, command, configuration, onJvm, others, publishers);
    }

    /** The packaged jar, which reads everything from streams. */
    public static Sluice streams(String id, Path jar, List<String> flags) {
        Map<String, String> configuration = Map.of(
                "SLUICE_ROUTES_USER_SOURCE", "stream",
                "SLUICE_ROUTES_UPLOAD_SOURCE", "stream",
                "SLUICE_ROUTES_UPLOAD_RETAIN", "none");
        return new Sluice(
                id, command(flags, jar), configuration, true, ClientProtocol.V1, PublishProtocol.REDIS_STREAM);
    }

    /** The command that starts a pod on the JVM of this process. */
    public static List<String> command(List<String> flags, Path jar) {
        List<String> command = new ArrayList<>(List.of(JAVA_BIN.resolve("java").toString()));
        command.addAll(flags);
        command.addAll(List.of("-jar", jar.toString()));
        return command;
    }

    /** The command, on core 0; bench/run keeps everything else off it. */
    public static List<String> pinned(List<String> command) {
        List<String> pinned = new ArrayList<>(List.of("taskset", "-c", "0"));
        pinned.addAll(command);
        return pinned;
    }

    /** A native executable with defaults. */
    public static Sluice executable(String id, Path executable) {
        return new Sluice(id, command(executable), Map.of(), false, ClientProtocol.V1, PublishProtocol.REDIS);
    }

    /** Returns the command of a native executable: as in the image, Netty's library is beside it if the build put it there. */
    public static List<String> command(Path executable) {
        Path library = executable.resolveSibling("epoll");
        return Files.isDirectory(library)
                ? List.of(executable.toString(), "-Djava.library.path=" + library)
                : List.of(executable.toString());
    }

    @Override
    public String id() {
        return id;
    }

    /** The other configurations differ only in deliveries. */
    @Override
    public boolean isForUnwanted() {
        return isDefault() || publishers == PublishProtocol.REDIS_STREAM;
    }

    @Override
    public boolean isForRetained() {
        return isDefault();
    }

    @Override
    public boolean limitsConnects() {
        return isDefault();
    }

    @Override
    public boolean isForStorms() {
        return isDefault() || canResume();
    }

    @Override
    public boolean canResume() {
        return clients == ClientProtocol.V2;
    }

    @Override
    public Function<String, Session> returning(Redis redis, HttpServerProcess server) {
        if (!canResume()) {
            return Contender.super.returning(redis, server);
        }
        String answer = Missed.answer(server, subscriber("before", Missed.UPLOAD), ClientProtocol.SUBPROTOCOL);
        redis.publishAll("upload:" + Missed.UPLOAD, Missed.publications());
        String position = Missed.field(answer, "at", "");
        return user -> ClientProtocol.resuming(user, position);
    }

    private boolean isDefault() {
        return configuration.isEmpty() && clients == ClientProtocol.V1;
    }

    @Override
    public HttpServerProcess start(Redis redis, int connectsPerSecond, Path logs) {
        int port = Ports.free();
        int management = Ports.free();
        Map<String, String> environment = new HashMap<>(configuration);
        environment.putAll(environment(port, management, redis.uri()));
        environment.put("SLUICE_LIMITS_CONNECTS_PER_SECOND", Integer.toString(connectsPerSecond));
        return HttpServerProcess.start(
                Sluice.pinned(command), environment, port, readiness(management), logs.resolve(id + ".log"));
    }

    /**
     * Starts a Redis that never disconnects a slow subscriber.
     *
     * @param logs the folder for what the trial writes
     */
    public static Redis redis(Path logs) {
        return redis(logs, List.of());
    }

    /** The same with further options. */
    public static Redis redis(Path logs, List<String> options) {
        Fork.useFolder(logs);
        List<String> all = new ArrayList<>(List.of("--client-output-buffer-limit", "pubsub", "0", "0", "0"));
        all.addAll(options);
        return Redis.withOptions(all.toArray(String[]::new));
    }

    /** The URL that answers 200 when it is ready. */
    public static URI readiness(int management) {
        return Ports.http(management, "/q/health/ready");
    }

    /**
     * The environment variables that each pod needs.
     *
     * @param management the port for probes and metrics
     */
    public static Map<String, String> environment(int port, int management, String redis) {
        Map<String, String> environment = new HashMap<>(where(port, management, redis));
        environment.put("SMALLRYE_JWT_VERIFY_SECRETKEY", Credentials.SECRET);
        environment.put("SMALLRYE_JWT_VERIFY_ALGORITHM", "HS256");
        return environment;
    }

    /** The environment variables with a key server in place of the shared secret. */
    public static Map<String, String> environment(int port, int management, String redis, String keys) {
        Map<String, String> environment = new HashMap<>(where(port, management, redis));
        environment.put("MP_JWT_VERIFY_PUBLICKEY_LOCATION", keys);
        return environment;
    }

    private static Map<String, String> where(int port, int management, String redis) {
        return Map.of(
                "QUARKUS_HTTP_HOST",
                "127.0.0.1",
                "QUARKUS_HTTP_PORT",
                Integer.toString(port),
                "QUARKUS_MANAGEMENT_HOST",
                "127.0.0.1",
                "QUARKUS_MANAGEMENT_PORT",
                Integer.toString(management),
                "QUARKUS_REDIS_HOSTS",
                redis);
    }

    @Override
    public PublishProtocol protocol() {
        return publishers;
    }

    @Override
    public Session user(String user) {
        return clients.user(user);
    }

    @Override
    public Session subscriber(String user, String upload) {
        return clients.subscriber(user, upload);
    }

    /** Does nothing for a native executable, which has no command for it. */
    @Override
    public void collectGarbage(HttpServerProcess server) {
        if (onJvm) {
            server.process().collectGarbage();
        }
    }
}
