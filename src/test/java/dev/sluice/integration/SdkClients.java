package dev.sluice.integration;

import dev.sluice.integration.SdkClient.Sdk;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import org.opentest4j.TestAbortedException;

/**
 * A client for each SDK whose language is here, which all do the same.
 *
 * @param missing why others are not
 */
record SdkClients(List<SdkClient> clients, List<TestAbortedException> missing) implements AutoCloseable {

    /** Starts the clients, which connect at once. */
    static SdkClients start(URI uri, String token) {
        SdkClients all = new SdkClients(new ArrayList<>(), new ArrayList<>());
        for (Sdk sdk : Sdk.values()) {
            try {
                all.clients.add(SdkClient.start(sdk, uri, token));
            } catch (TestAbortedException absent) {
                all.missing.add(absent);
            }
        }
        return all;
    }

    void send(String line) {
        clients.forEach(client -> client.send(line));
    }

    /** Awaits the line of an event from each client. */
    void await(String line) {
        clients.forEach(client -> client.await(line));
    }

    /** Reports the test as skipped if it passed without an SDK. */
    void assumeComplete() {
        missing.stream().findFirst().ifPresent(absent -> {
            throw absent;
        });
    }

    @Override
    public void close() {
        clients.forEach(SdkClient::close);
    }
}
