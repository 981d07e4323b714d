package dev.sluice.bench.site;

import dev.sluice.bench.process.BenchFailure;
import dev.sluice.bench.process.Server;
import dev.sluice.harness.Ports;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** HAProxy, as one would put it before pods: new connections go to those that say they are ready. */
final class Balancer implements AutoCloseable {

    /** Buffers are small, so that a client that does not read is soon felt by its pod. */
    private static final String CONFIGURATION = """
            global
              maxconn 6000
              nbthread 1
              tune.sndbuf.client 16384
              tune.rcvbuf.server 16384
            defaults
              mode http
              retries 3
              option redispatch
              timeout connect 2s
              timeout client 60s
              timeout server 60s
              timeout tunnel 1h
            frontend clients
              bind 127.0.0.1:%d
              monitor-uri /balancer
              monitor fail unless { nbsrv(pods) eq %d }
              default_backend pods
            backend pods
              balance leastconn
              option httpchk GET %s
              default-server inter 1s fall 2 rise 1
            %s
            """;

    private final Server process;

    private Balancer(Server process) {
        this.process = process;
    }

    /**
     * Returns once it knows who is there and who is not.
     *
     * @param pods that are ready
     * @param spares that may be later
     */
    static Balancer start(List<Replica> pods, List<Replica> spares, Path logs) {
        int port = Ports.free();
        String servers = Stream.concat(pods.stream(), spares.stream())
                .map(pod -> "  server " + pod.name() + " 127.0.0.1:" + pod.port() + " check port " + pod.management())
                .collect(Collectors.joining("\n"));
        Path file = logs.resolve("haproxy.cfg");
        try {
            Files.writeString(file, CONFIGURATION.formatted(port, pods.size(), "/q/health/ready", servers));
        } catch (IOException e) {
            throw new BenchFailure("can't write " + file, e);
        }
        List<String> command = List.of("haproxy", "-db", "-f", file.toString());
        return new Balancer(
                Server.start(command, Map.of(), port, Ports.http(port, "/balancer"), logs.resolve("haproxy.log")));
    }

    InetSocketAddress address() {
        return process.address();
    }

    @Override
    public void close() {
        process.close();
    }
}
