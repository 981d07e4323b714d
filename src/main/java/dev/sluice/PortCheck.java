package dev.sluice;

import io.quarkus.runtime.LaunchMode;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import org.eclipse.microprofile.config.Config;

/**
 * Fails the start with the key of a port that is in use. With epoll, Quarkus only logs a stack trace, without the port; in
 * dev mode it names the port itself. Ports of TLS are not checked.
 */
@Singleton
final class PortCheck {

    private static final int MAX_PORT = 65_535;

    // Before anything starts whose end would be logged too.
    void check(@Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE + 1) StartupEvent event, Config config) {
        if (LaunchMode.current() == LaunchMode.NORMAL) {
            check(config);
        }
    }

    static void check(Config config) {
        check("quarkus.http", 8080, config);
        check("quarkus.management", 9000, config);
    }

    private static void check(String prefix, int defaultPort, Config config) {
        if (isOpened(prefix, config)) {
            check(
                    prefix + ".port",
                    config.getOptionalValue(prefix + ".host", String.class).orElse("0.0.0.0"),
                    config.getOptionalValue(prefix + ".port", int.class).orElse(defaultPort));
        }
    }

    private static boolean isOpened(String prefix, Config config) {
        return config.getOptionalValue(prefix + ".host-enabled", boolean.class).orElse(true)
                && !config.getOptionalValue(prefix + ".so-reuse-port", boolean.class)
                        .orElse(false)
                && !config.getOptionalValue(prefix + ".insecure-requests", String.class)
                        .orElse("")
                        .equalsIgnoreCase("disabled");
    }

    static void check(String key, String host, int port) {
        if (port <= 0 || port > MAX_PORT) {
            return;
        }
        // Binding fails as it would for Quarkus, and without listen() no client can connect.
        try (Socket socket = new Socket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(host, port));
        } catch (IOException e) {
            throw new ConfigurationException(
                    key + " is " + port + ", but this port of " + host + " can't be opened: " + e.getMessage());
        }
    }
}
