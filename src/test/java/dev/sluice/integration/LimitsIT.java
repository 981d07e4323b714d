package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Tests the limits of WebSockets: of all, unauthenticated, per user, and per address. Other clients notice nothing. */
@Order(2)
class LimitsIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final int CONNECTIONS = 12;
    private static final int MAX_UNAUTHENTICATED = 5;
    private static final int PER_USER = 3;
    private static final int PER_ADDRESS = 2;

    private static Pod pod;

    /** A pod that also counts by address, and trusts a proxy. */
    private static Pod behindProxy;

    /** A pod that counts by address, and trusts no proxy. */
    private static Pod direct;

    private final List<AutoCloseable> open = new ArrayList<>();

    @BeforeAll
    static void start() {
        pod = Pod.ready(
                STAGE.redis(),
                Map.of(
                        "sluice.limits.connections", "" + CONNECTIONS,
                        "sluice.limits.unauthenticated", "" + MAX_UNAUTHENTICATED,
                        "sluice.limits.connections-per-user", "" + PER_USER,
                        "sluice.auth.timeout", "10s"));
        behindProxy = Pod.ready(
                STAGE.redis(),
                Map.of(
                        "sluice.limits.connections-per-address", "" + PER_ADDRESS,
                        "quarkus.http.proxy.proxy-address-forwarding", "true",
                        "quarkus.http.proxy.allow-x-forwarded", "true"));

        direct = Pod.ready(STAGE.redis(), Map.of("sluice.limits.connections-per-address", "" + PER_ADDRESS));
    }

    @AfterAll
    static void stop() {
        pod.close();
        behindProxy.close();
        direct.close();
    }

    @AfterEach
    void everyPlaceIsGivenBack() throws Exception {
        for (AutoCloseable client : open) {
            client.close();
        }
        for (Pod one : List.of(pod, behindProxy, direct)) {
            await().until(() -> one.metric("sluice_connections{state=\"authenticated\"}") == 0
                    && one.metric("sluice_connections{state=\"unauthenticated\"}") == 0);
        }
    }

    @Test
    void fullPodRefusesWith503() {
        double refused = refused(pod, "connections");
        for (int i = 0; i < CONNECTIONS; i++) {
            keep(Client.of(pod, "u" + i));
        }
        assertRefused(RawClient.refusal(pod), 503);
        assertRefused(RawClient.refusal(pod, "Authorization: Bearer " + Tokens.of("late")), 503);
        awaitRefused(pod, "connections", refused + 2);
        assertThat(pod.status("/q/health/ready")).isEqualTo(200);
        STAGE.redis().publish("user:u0", "hello");
        assertThat(((Client) open.get(0)).next()).isEqualTo("hello");
        ((Client) open.remove(1)).close();
        keepOnceThereIsRoom(() -> Client.of(pod, "late"));
    }

    @Test
    void simultaneousUpgradesCannotExceedTheLimit() throws Exception {
        int crowd = 60;
        ExecutorService executor = Executors.newFixedThreadPool(crowd);
        try {
            List<Callable<Boolean>> upgrades = new ArrayList<>();
            for (int i = 0; i < crowd; i++) {
                String token = Tokens.of("crowd" + i);
                upgrades.add(() -> {
                    try {
                        keep(RawClient.connect(pod, "Authorization: Bearer " + token));
                        return true;
                    } catch (RuntimeException refused) {
                        return false;
                    }
                });
            }
            int accepted = 0;
            for (Future<Boolean> one : executor.invokeAll(upgrades)) {
                accepted += one.get() ? 1 : 0;
            }
            assertThat(accepted).isBetween(1, CONNECTIONS);
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void newSilentSocketEvictsTheOldest() {
        double refused = refused(pod, "unauthenticated");
        List<RawClient> silent = new ArrayList<>();
        for (int i = 0; i < MAX_UNAUTHENTICATED; i++) {
            silent.add(keep(RawClient.connect(pod)));
        }
        assertThat(refused(pod, "unauthenticated")).isEqualTo(refused);
        RawClient valid = keep(RawClient.connect(pod));
        assertThat(silent.get(0).closeCode(frame -> assertThat(frame).doesNotContain("auth_")))
                .as("it may reconnect")
                .isEqualTo(1013);
        awaitRefused(pod, "unauthenticated", refused + 1);
        valid.text("{\"type\":\"auth\",\"token\":\"" + Tokens.of("7") + "\"}");
        assertThat(valid.next()).contains("auth_success");
        RawClient another = keep(RawClient.connect(pod));
        assertThat(another.closeCode()).as("and temporarily").isEqualTo(4001);
        assertThat(silent.get(1).closeCode()).isEqualTo(4001);
        assertThat(refused(pod, "unauthenticated")).isEqualTo(refused + 1);
    }

    @Test
    void clientsAuthenticateDuringASilentSocketFlood() {
        double refused = refused(pod, "unauthenticated");
        for (int i = 0; i < 3 * MAX_UNAUTHENTICATED; i++) {
            // Those of the round before count until the pod notices their end.
            pod.awaitNobody();
            keep(RawClient.connect(pod));
            try (RawClient valid = RawClient.of(pod, "7");
                    RawClient bearer = RawClient.connect(pod, "Authorization: Bearer " + Tokens.of("8"))) {
                assertThat(bearer.next()).contains("auth_success");
                STAGE.redis().publish("user:7", "hello");
                assertThat(valid.next()).isEqualTo("hello");
            }
            if (i >= MAX_UNAUTHENTICATED) {
                ((RawClient) open.remove(0)).close();
            }
        }
        await().until(() -> refused(pod, "unauthenticated") > refused);
    }

    @Test
    void upgradeWithTokenSkipsTheUnauthenticatedLimit() {
        double refused = refused(pod, "unauthenticated");
        for (int i = 0; i < MAX_UNAUTHENTICATED; i++) {
            keep(RawClient.connect(pod));
        }
        for (int i = 0; i < MAX_UNAUTHENTICATED + 2; i++) {
            keep(RawClient.connect(pod, "Authorization: Bearer " + Tokens.of("u" + i)));
        }
        assertThat(refused(pod, "unauthenticated")).isEqualTo(refused);
    }

    @Test
    void failedUpgradeReleasesItsSlot() {
        for (int i = 0; i < 2 * MAX_UNAUTHENTICATED; i++) {
            assertThat(RawClient.refusal(pod, "Authorization: Bearer nonsense")).startsWith("HTTP/1.1 401");
            assertThat(RawClient.refusal(pod, "Origin: http://evil.example")).startsWith("HTTP/1.1 403");
            assertThat(RawClient.refusal(pod, "Sec-WebSocket-Version: 99")).startsWith("HTTP/1.1 426");
        }
        for (int i = 0; i < MAX_UNAUTHENTICATED; i++) {
            keep(RawClient.connect(pod));
        }
    }

    @Test
    void connectionsPerUserAreLimited() {
        double refused = refused(pod, "connections-per-user");
        for (int i = 0; i < PER_USER; i++) {
            keep(Client.of(pod, "7"));
        }
        assertRefused(RawClient.refusal(pod, "Authorization: Bearer " + Tokens.of("7")), 429);
        RawClient late = keep(RawClient.connect(pod));
        late.text("{\"type\":\"auth\",\"token\":\"" + Tokens.of("7") + "\"}");
        assertThat(late.closeCode(frame -> assertThat(frame).doesNotContain("auth_")))
                .as("without an auth_error, which stops clients for good")
                .isEqualTo(1013);
        awaitRefused(pod, "connections-per-user", refused + 2);
        keep(Client.of(pod, "8"));
        STAGE.redis().publish("user:7", "hello");
        for (int i = 0; i < PER_USER; i++) {
            assertThat(((Client) open.get(i)).next()).isEqualTo("hello");
        }
        ((Client) open.remove(0)).close();
        keepOnceThereIsRoom(() -> Client.of(pod, "7"));
    }

    @Test
    void connectionsPerAddressAreLimited() {
        double refused = refused(behindProxy, "connections-per-address");
        for (int i = 0; i < PER_ADDRESS; i++) {
            keep(RawClient.connect(behindProxy, "X-Forwarded-For: 192.0.2.1"));
            keep(RawClient.connect(behindProxy, "X-Forwarded-For: 2001:db8:0:1::" + i));
        }
        assertRefused(RawClient.refusal(behindProxy, "X-Forwarded-For: 192.0.2.1"), 429);
        assertRefused(RawClient.refusal(behindProxy, "X-Forwarded-For: 2001:db8:0:1:2:3:4:5"), 429);
        awaitRefused(behindProxy, "connections-per-address", refused + 2);
        keep(RawClient.connect(behindProxy, "X-Forwarded-For: 192.0.2.2"));
        keep(RawClient.connect(behindProxy, "X-Forwarded-For: 2001:db8:0:2::1"));
        ((RawClient) open.remove(0)).close();
        keepOnceThereIsRoom(() -> RawClient.connect(behindProxy, "X-Forwarded-For: 192.0.2.1"));
    }

    @Test
    void withoutAProxyAllTcpConnectionsOfAnAddressCount() throws IOException {
        String request = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n";
        List<Socket> idle = new ArrayList<>();
        for (int i = 0; i < PER_ADDRESS; i++) {
            await("room").ignoreExceptions().until(() -> {
                Socket socket = keep(new Socket("localhost", direct.port()));
                boolean served = Api.ask(socket, request).startsWith("HTTP/1.1 404");
                return served && idle.add(socket);
            });
        }
        double refused = refused(direct, "connections-per-address");
        try (Socket excess = new Socket("localhost", direct.port())) {
            assertRefused(Api.ask(excess, request), 429);
            assertThat(excess.getInputStream().read()).as("closed").isEqualTo(-1);
        }
        assertRefused(RawClient.refusal(direct), 429);
        awaitRefused(direct, "connections-per-address", refused + 2);
        assertThat(Api.ask(idle.get(0), request)).startsWith("HTTP/1.1 404");
        idle.get(0).close();
        keepOnceThereIsRoom(() -> RawClient.connect(direct));
        assertThat(direct.status("/q/health/live")).as("another port").isEqualTo(200);
    }

    @Test
    void forwardedAddressCountsOnlyFromATrustedProxy() {
        for (int i = 0; i < PER_ADDRESS; i++) {
            String address = "X-Forwarded-For: 192.0.2." + i;
            keepOnceThereIsRoom(() -> RawClient.connect(direct, address));
        }
        assertRefused(RawClient.refusal(direct, "X-Forwarded-For: 192.0.2.200"), 429);
    }

    /** Connects as soon as a released slot is free. */
    private void keepOnceThereIsRoom(Callable<AutoCloseable> connects) {
        await("room").ignoreExceptions().until(() -> {
            keep(connects.call());
            return true;
        });
    }

    private synchronized <T extends AutoCloseable> T keep(T client) {
        open.add(client);
        return client;
    }

    private static void assertRefused(String answer, int status) {
        assertThat(answer).startsWith("HTTP/1.1 " + status);
        assertThat(answer.toLowerCase(Locale.ROOT).lines()).anyMatch(line -> line.matches("retry-after: [1-5]"));
    }

    private static void awaitRefused(Pod by, String limit, double times) {
        by.awaitMetric("sluice_refused_total{limit=\"" + limit + "\"}", times);
    }

    private static double refused(Pod by, String limit) {
        return by.metric("sluice_refused_total{limit=\"" + limit + "\"}");
    }
}
