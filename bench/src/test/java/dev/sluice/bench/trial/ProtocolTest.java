package dev.sluice.bench.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import dev.sluice.bench.trial.Publisher.Numbered;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ProtocolTest {

    @Test
    void parsesItsOwnPublication() {
        Numbered published = new Numbered("upload:7", 42);
        String payload = published.payload(200);

        assertEquals(200, payload.length());
        assertTrue(Numbered.is(payload));
        assertEquals(published, Numbered.of(payload));
    }

    @Test
    void controlMessageIsNotAPublication() {
        assertFalse(Numbered.is("{\"action\":\"subscribed\",\"channel\":\"upload:7\"}"));
    }

    @Test
    void clientOfCentrifugoKeepsAPositionForEachChannel() {
        String one = new Numbered("upload:7", 1).payload(100);
        String two = new Numbered("upload:7", 2).payload(100);
        Protocol.Client client = SluiceProtocol.CENTRIFUGE.client("u1", Set.of("user:u1", "upload:7"));
        Log first = new Log();
        client.opened(first);
        client.heard("""
                {"id":1,"connect":{"subs":{"user:u1":{"epoch":"a","offset":3}}}}
                {"id":2,"subscribe":{"epoch":"b","offset":4}}""", first);
        client.heard("{}", first);
        client.heard("{\"push\":{\"channel\":\"upload:7\",\"pub\":{\"data\":" + one + ",\"offset\":6}}}", first);

        assertEquals("{\"id\":2,\"subscribe\":{\"channel\":\"upload:7\"}}", first.entries.get(1));
        assertEquals(
                List.of("user:u1 Optional.empty", "upload:7 Optional.empty", "{}", one),
                first.entries.subList(2, first.entries.size()));

        Log second = new Log();
        client.opened(second);
        client.heard("""
                {"id":1,"connect":{"subs":{"user:u1":{"epoch":"a","offset":3,"was_recovering":true,"recovered":false}}}}
                {"id":2,"subscribe":{"epoch":"b","offset":6,"was_recovering":true,"recovered":true,"publications":[{"data":%s,"offset":9}]}}""".formatted(two), second);
        client.heard("{\"push\":{\"channel\":\"upload:7\",\"unsubscribe\":{\"code\":2500}}}", second);

        assertTrue(
                second.entries
                        .get(0)
                        .contains("\"subs\":{\"user:u1\":{\"recover\":true,\"epoch\":\"a\",\"offset\":3}}"),
                second.entries::toString);
        assertEquals(
                List.of(
                        "{\"id\":2,\"subscribe\":{\"recover\":true,\"epoch\":\"b\",\"offset\":6,\"channel\":\"upload:7\"}}",
                        "user:u1 Optional[false]",
                        "upload:7 Optional[true]",
                        two,
                        "unsubscribed upload:7",
                        "{\"id\":3,\"subscribe\":{\"recover\":true,\"epoch\":\"b\",\"offset\":9,\"channel\":\"upload:7\"}}"),
                second.entries.subList(1, second.entries.size()));
    }

    /** What a client said and got on a connection. */
    private static final class Log implements Protocol.Connection {
        private final List<String> entries = new ArrayList<>();

        @Override
        public void say(String message) {
            entries.add(message);
        }

        @Override
        public void published(String payload) {
            entries.add(payload);
        }

        @Override
        public void repeated() {
            entries.add("repeated");
        }

        @Override
        public void subscribed(String channel, boolean retained, Optional<Boolean> resumption) {
            entries.add(channel + " " + resumption);
        }

        @Override
        public void unsubscribed(String channel) {
            entries.add("unsubscribed " + channel);
        }

        @Override
        public void missed(String channel, int count) {
            entries.add("missed " + count);
        }

        @Override
        public void gap(Optional<String> channel, String since, Optional<String> until) {
            entries.add("gap " + channel);
        }

        @Override
        public void surprised(String message) {
            entries.add(message);
        }
    }
}
