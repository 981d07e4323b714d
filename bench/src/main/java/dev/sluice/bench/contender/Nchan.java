package dev.sluice.bench.contender;

import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.process.Command;
import dev.sluice.bench.process.Server;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * nginx with the module nchan, as Debian packages it. It has no Redis in front of it and no tokens to look at: it is
 * published to by HTTP, and a client hears the one channel that its path names.
 */
public final class Nchan implements Contender {

    private static final Path MODULE = Path.of("/usr/lib/nginx/modules/ngx_nchan_module.so");

    /**
     * Clients ask for it before they ask for a WebSocket: nginx gives a connection TCP_NODELAY when it keeps it for a
     * second request, and nchan never does. Else deliveries would wait for one another, 40 ms long.
     */
    private static final String HEALTH = "/health";

    private final Path configuration;

    /** @param peers the directory of its configuration */
    public Nchan(Path peers) {
        this.configuration = peers.resolve("nchan.conf");
    }

    public static boolean isInstalled() {
        return Files.exists(MODULE) && Command.output("nginx", "-v").isPresent();
    }

    /** nginx's version. */
    public static String version() {
        return isInstalled() ? Command.output("nginx", "-v").orElseThrow().replaceFirst(".*/", "") : "not installed";
    }

    @Override
    public String name() {
        return "nchan";
    }

    @Override
    public boolean isForUnwanted() {
        return false;
    }

    @Override
    public boolean isForRetained() {
        return false;
    }

    @Override
    public boolean limitsConnects() {
        return false;
    }

    @Override
    public Server start(Redis redis, int connectsPerSecond, Path logs) {
        int port = Ports.free();
        Path filledIn = logs.resolve("nchan.conf");
        try {
            String template = Files.readString(configuration);
            Files.writeString(
                    filledIn, template.replace("@PORT@", Integer.toString(port)).replace("@DIR@", logs.toString()));
        } catch (IOException e) {
            throw new IllegalStateException("can't write " + filledIn, e);
        }
        List<String> command = List.of("nginx", "-c", filledIn.toString());
        return Server.start(
                Server.pinned(command), Map.of(), port, Ports.http(port, HEALTH), logs.resolve("nchan.log"));
    }

    @Override
    public PublishProtocol protocol() {
        return PublishProtocol.NCHAN;
    }

    @Override
    public InetSocketAddress publishTo(Redis redis, Server server) {
        return server.address();
    }

    @Override
    public Session user(String user) {
        return new Session(HEALTH, "/sub/user:" + user, "", List.of());
    }

    @Override
    public Session subscriber(String user, String upload) {
        return new Session(HEALTH, "/sub/upload:" + upload, "", List.of());
    }

    /** It has none. */
    @Override
    public void collectGarbage(Server server) {}
}
