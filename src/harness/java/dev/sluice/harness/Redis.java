package dev.sluice.harness;

import static org.awaitility.Awaitility.await;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import redis.embedded.core.ExecutableProvider;

/** A real redis-server on its own port, and a minimal client. */
public final class Redis implements AutoCloseable {

    private static final byte[] PUBLISH = "PUBLISH".getBytes(StandardCharsets.US_ASCII);

    /** Extracted once, because each extraction leaves 9 MB behind. */
    private static final String EXECUTABLE = executable();

    /** A program of Debian's package redis-tools; the same binary is the server if it is called redis-server. */
    private static final Path DEBIAN = Path.of("/usr/bin/redis-check-rdb");

    /** Where .ci/tools installs it. */
    private static final Path VALKEY = Path.of("/usr/local/bin/valkey-server");

    private String executable;
    private final int port;

    /** Unlike the port, never that of an earlier server, whose data this one would load. */
    private final String data;

    private final String password;
    private final String[] options;
    private @Nullable ServerProcess process;

    private Redis(String password, String... options) {
        this.executable = EXECUTABLE;
        this.port = Ports.free();
        this.data = "redis-" + port + "-" + UUID.randomUUID();
        this.password = password;
        this.options = options;
    }

    public static Redis start() {
        Redis redis = absent();
        redis.startAgain();
        return redis;
    }

    public static Redis withPassword(String password) {
        Redis redis = new Redis(password);
        redis.startAgain();
        return redis;
    }

    /** Starts a server with further options. */
    public static Redis withOptions(String... options) {
        Redis redis = new Redis("", options);
        redis.startAgain();
        return redis;
    }

    /**
     * Starts a node of a cluster; see {@link RedisCluster}.
     *
     * @param busPort the port for other nodes
     * @param valkey whether it is a Valkey, rather than a Redis in Debian's version
     */
    static Redis node(int busPort, boolean valkey) {
        String config =
                Fork.file("cluster-" + busPort + ".conf").toAbsolutePath().toString();
        Redis redis = new Redis(
                "",
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                "" + busPort,
                "--cluster-config-file",
                config,
                "--cluster-node-timeout",
                "3000",
                // On a busy machine, a replica may not have heard its master for longer than Redis tolerates.
                "--cluster-replica-validity-factor",
                "0");
        try {
            // It may be that of an earlier test.
            Files.deleteIfExists(Path.of(config));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (valkey) {
            redis.startAgainAsValkey();
        } else {
            redis.startAgainAsDebian();
        }
        return redis;
    }

    /** Starts a replica of the master, with the same options. */
    public static Redis replicaOf(Redis master) {
        List<String> options = new ArrayList<>(List.of(master.options));
        options.addAll(List.of("--replicaof", "127.0.0.1", "" + master.port));
        return withOptions(options.toArray(String[]::new));
    }

    /**
     * Starts a sentinel that fails the master over within a few seconds; sooner, it would do so on a busy machine for no
     * reason.
     *
     * @param options further lines of its configuration
     */
    public static Redis sentinelOf(Redis master, String name, String... options) {
        boolean locked = Arrays.stream(options).anyMatch(option -> option.startsWith("requirepass"));
        Redis redis = locked ? new Redis(master.password) : absent();
        try {
            Path config = Files.writeString(Fork.file("sentinel-" + redis.port + ".conf"), """
                port %1$d
                bind 127.0.0.1
                sentinel monitor %2$s 127.0.0.1 %3$d 1
                sentinel down-after-milliseconds %2$s 3000
                sentinel failover-timeout %2$s 3000
                %4$s
                """.formatted(
                            redis.port, name, master.port, String.join("\n", options)));
            redis.start(config.toString(), "--sentinel");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return redis;
    }

    /** Returns a server that does not run yet. */
    public static Redis absent() {
        return new Redis("");
    }

    /** Starts the server again, on its port. */
    public void startAgain() {
        List<String> arguments = new ArrayList<>(List.of(
                "--port",
                "" + port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                Fork.folder().toString(),
                "--dbfilename",
                data + ".rdb",
                "--appendfilename",
                data + ".aof",
                "--requirepass",
                password));
        arguments.addAll(List.of(options));
        start(arguments.toArray(String[]::new));
    }

    /** Starts the server again in Debian's version, which its package redis-tools has. */
    public void startAgainAsDebian() {
        executable = debianServer();
        startAgain();
    }

    /** Returns the program under the name that makes it a server. Classes of tests that run in one fork share it. */
    private static synchronized String debianServer() {
        Path server = Fork.file("redis-server");
        try {
            if (!Files.isSymbolicLink(server)) {
                Files.createSymbolicLink(server, DEBIAN);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return server.toString();
    }

    /** Whether there is a Valkey. */
    public static boolean hasValkey() {
        return Files.isExecutable(VALKEY);
    }

    /** Starts a Valkey instead of the server. */
    public void startAgainAsValkey() {
        executable = VALKEY.toString();
        startAgain();
    }

    private void start(String... arguments) {
        List<String> command = new ArrayList<>(List.of(arguments));
        command.add(0, executable);
        ServerProcess started = ServerProcess.start(new ProcessBuilder(command), Fork.file("redis-" + port + ".log"));
        process = started;
        try {
            // Another process may answer on the port, and a server that loads its data refuses commands.
            await("Redis")
                    .pollInterval(5, TimeUnit.MILLISECONDS)
                    .atMost(30, TimeUnit.SECONDS)
                    .ignoreExceptions()
                    .until(() -> isReady(wholeReply("INFO"), started.pid()));
        } catch (RuntimeException e) {
            // The caller can't close the server.
            kill();
            throw e;
        }
    }

    private static boolean isReady(String info, long pid) {
        return info.contains("process_id:" + pid + "\r\n") && !info.contains("loading:1\r\n");
    }

    private static String executable() {
        try {
            Path folder = Files.createDirectories(Fork.file("redis"));
            return ExecutableProvider.newJarResourceProvider(folder.toFile())
                    .get()
                    .getAbsolutePath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String uri() {
        return "redis://127.0.0.1:" + port;
    }

    /** Kills the server with -9. */
    public void kill() {
        process().close();
    }

    /** Terminates the server with SIGTERM; returns when it has ended. */
    public void terminate() {
        process().terminate();
        process().exit(Duration.ofSeconds(30));
    }

    /** Stops the server with SIGSTOP: it keeps its connections and does nothing. */
    public void freeze() {
        process().freeze();
    }

    /** Continues the frozen server. */
    public void thaw() {
        process().thaw();
    }

    /** Returns the current process. */
    public ServerProcess process() {
        return Objects.requireNonNull(process);
    }

    /** Returns the address. */
    public InetSocketAddress address() {
        return Ports.address(port);
    }

    public long publish(String channel, String payload) {
        return publish(channel, payload.getBytes(StandardCharsets.UTF_8));
    }

    public long publish(String channel, byte[] payload) {
        return publish(channel.getBytes(StandardCharsets.UTF_8), payload);
    }

    /** Publishes, and returns the number of subscribers that got the payload. */
    public long publish(byte[] channel, byte[] payload) {
        return Long.parseLong(command(PUBLISH, channel, payload).substring(1));
    }

    public int port() {
        return port;
    }

    /** Publishes all payloads as fast as Redis accepts them. */
    public void publishAll(String channel, List<String> payloads) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (String payload : payloads) {
                write(all, PUBLISH, channel.getBytes(StandardCharsets.UTF_8), payload.getBytes(StandardCharsets.UTF_8));
            }
            Thread writer = new Thread(() -> {
                try {
                    all.writeTo(socket.getOutputStream());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            writer.start();
            InputStream in = new BufferedInputStream(socket.getInputStream());
            for (int i = 0; i < payloads.size(); i++) {
                line(in);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One connection. */
    public abstract static class Connection implements AutoCloseable {

        final Socket socket;
        final InputStream in;

        Connection(int port) {
            try {
                socket = new Socket(InetAddress.getLoopbackAddress(), port);
                socket.setTcpNoDelay(true);
                in = new BufferedInputStream(socket.getInputStream());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Opens a connection for many publications. */
    public Publisher publisher() {
        return new Publisher(port);
    }

    /** Publishes on one connection. */
    public static final class Publisher extends Connection {

        private Publisher(int port) {
            super(port);
        }

        public void publish(String channel, byte[] payload) {
            publish(channel, payload, 1);
        }

        /** Publishes the payload several times at once. */
        public void publish(String channel, byte[] payload, int times) {
            ByteArrayOutputStream one = new ByteArrayOutputStream();
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            try {
                write(one, PUBLISH, channel.getBytes(StandardCharsets.UTF_8), payload);
                for (int i = 0; i < times; i++) {
                    one.writeTo(all);
                }
                all.writeTo(socket.getOutputStream());
                for (int i = 0; i < times; i++) {
                    line(in);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Subscribes to a channel. */
    public Listener listen(String channel) {
        return new Listener(port, channel);
    }

    /** A subscription to one channel. */
    public static final class Listener extends Connection {

        private Listener(int port, String channel) {
            super(port);
            try {
                socket.setSoTimeout(60_000);
                write(socket.getOutputStream(), bytes("SUBSCRIBE", channel));
                for (int i = 0; i < 6; i++) {
                    line(in);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Returns the next payload, which must be one line. */
        public String next() {
            try {
                for (int i = 0; i < 6; i++) {
                    line(in);
                }
                return line(in);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Whether the server is a master now, according to INFO. */
    public boolean isMaster() {
        return wholeReply("INFO", "replication").contains("role:master");
    }

    /** Returns the number of other connections. */
    public long clients() {
        return wholeReply("CLIENT", "LIST")
                        .lines()
                        .filter(line -> line.startsWith("id="))
                        .count()
                - 1;
    }

    /** Returns the number of pattern subscriptions of all clients. */
    public long patterns() {
        return Long.parseLong(command("PUBSUB", "NUMPAT").substring(1));
    }

    /** Cuts the connections of all subscribers, and returns their number. */
    public long cutSubscribers() {
        return Long.parseLong(command("CLIENT", "KILL", "TYPE", "pubsub").substring(1));
    }

    /** Cuts the connections of all clients without subscriptions. */
    public void cutNormalClients() {
        command("CLIENT", "KILL", "TYPE", "normal");
    }

    /** Opens a connection that stays usable when no further ones are possible. */
    public Admin admin() {
        return new Admin(port);
    }

    /** Sends commands on one connection. */
    public static final class Admin extends Connection {

        private Admin(int port) {
            super(port);
        }

        /** Awaits the reply, of which it returns the first line. */
        public String command(String... words) {
            try {
                write(socket.getOutputStream(), bytes(words));
                String first = line(in);
                if (first.startsWith("$") && !first.equals("$-1")) {
                    // Otherwise the next command would take the rest for its reply, and not await its own.
                    in.skipNBytes(Integer.parseInt(first.substring(1)) + 2);
                }
                return first;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Returns the whole reply to a command: a text, a number, {@code null}, or a list of these. */
    public @Nullable Object reply(String... words) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            authenticate(socket);
            write(socket.getOutputStream(), bytes(words));
            return reply(new BufferedInputStream(socket.getInputStream()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static @Nullable Object reply(InputStream in) throws IOException {
        String line = line(in);
        char type = line.charAt(0);
        String rest = line.substring(1);
        if (type == '+') {
            return rest;
        }
        long number = Long.parseLong(rest);
        if (type == ':') {
            return number;
        }
        if (number < 0) {
            return null;
        }
        if (type == '$') {
            String text = new String(in.readNBytes((int) number), StandardCharsets.UTF_8);
            line(in);
            return text;
        }
        List<@Nullable Object> parts = new ArrayList<>();
        for (long i = 0; i < number; i++) {
            parts.add(reply(in));
        }
        return parts;
    }

    private String command(String... words) {
        return command(bytes(words));
    }

    private static byte[][] bytes(String... words) {
        byte[][] bytes = new byte[words.length][];
        for (int i = 0; i < words.length; i++) {
            bytes[i] = words[i].getBytes(StandardCharsets.UTF_8);
        }
        return bytes;
    }

    /** Returns the first line of the reply. */
    private String command(byte[]... words) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            authenticate(socket);
            return send(socket, words);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void authenticate(Socket socket) throws IOException {
        if (!password.isEmpty()) {
            send(socket, bytes("AUTH", password));
        }
    }

    /** Returns the content of a bulk string. */
    private String wholeReply(String... words) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            authenticate(socket);
            int length = Integer.parseInt(send(socket, bytes(words)).substring(1));
            return new String(socket.getInputStream().readNBytes(length), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String send(Socket socket, byte[]... words) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        write(out, words);
        out.writeTo(socket.getOutputStream());
        return line(socket.getInputStream());
    }

    private static void write(OutputStream out, byte[]... words) throws IOException {
        if (Arrays.equals(words[0], PUBLISH)) {
            Discretion.published(words[2]);
        }
        out.write(("*" + words.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
        for (byte[] word : words) {
            out.write(("$" + word.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
            out.write(word);
            out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new IOException("Redis closed the connection");
            }
            line.append((char) c);
        }
        String text = line.toString().strip();
        if (text.startsWith("-")) {
            throw new IOException(text);
        }
        return text;
    }

    @Override
    public void close() {
        if (process != null) {
            kill();
        }
    }
}
