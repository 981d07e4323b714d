package dev.sluice.linger;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jose4j.json.JsonUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Execution(ExecutionMode.CONCURRENT)
class OutgoingSubscriptionsTest {

    /** The maximum that Control and the feed accept. */
    private static final int MAX_BYTES = 10_000;

    /** Bytes of a signed message without its content, before Base64. */
    private static final int ENVELOPE = 300;

    private static final int MAX_PER_USER = 300;

    private static final int MAX_WAITING = 32 * 1024 * 1024;

    private final OutgoingSubscriptions outgoing = new OutgoingSubscriptions(MAX_WAITING, MAX_PER_USER);

    @Test
    void manyUsersShareFewMessages() throws Exception {
        Channel channel = TestOutboxFactory.channel("upload:42");
        for (int i = 0; i < 20_000; i++) {
            assertThat(outgoing.want("user-" + i)).isTrue();
            assertThat(outgoing.tell("user-" + i, Map.of(channel, 1_700_000_000_000L)))
                    .isTrue();
        }
        Set<String> wanted = new HashSet<>();
        Set<String> told = new HashSet<>();
        int messages = 0;
        for (String next = outgoing.next(); next != null; next = outgoing.next()) {
            JsonNode message = parse(next);
            messages++;
            JsonNode users = message.path("users");
            if (message.path("command").asText().equals("subscriptions_wanted")) {
                users.forEach(user -> wanted.add(user.asText()));
            } else {
                users.properties().forEach(user -> {
                    assertThat(user.getValue().path("upload:42").asLong()).isEqualTo(1_700_000_000_000L);
                    told.add(user.getKey());
                });
            }
        }
        assertThat(wanted).hasSize(20_000);
        assertThat(told).hasSize(20_000);
        assertThat(messages).isLessThan(400);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"", "\\", "/", "\u0001", "\u007f", "\u2028", "\u20ff", "\u00fc", "a"})
    void signedMessagesFitTheFeedsLimit(String character) {
        for (int user = 0; user < 20; user++) {
            Map<Channel, Long> stamps = new HashMap<>();
            for (int i = 0; i < 30; i++) {
                int fill = (240 - String.valueOf(i).length()) / character.getBytes(StandardCharsets.UTF_8).length;
                stamps.put(TestOutboxFactory.channel("upload:" + i + character.repeat(fill)), 1_700_000_000_000L);
            }
            outgoing.want(user + character.repeat(80));
            outgoing.tell(user + character.repeat(80), stamps);
        }
        for (String next = outgoing.next(); next != null; next = outgoing.next()) {
            int claims = JsonUtil.toJson(Map.of("content", next)).length() + ENVELOPE;
            assertThat(claims * 4 / 3).isLessThan(16 * 1024);
        }
    }

    @Test
    void longestNamesAreSpreadOverMessages() throws Exception {
        Map<Channel, Long> stamps = new HashMap<>();
        for (int i = 0; i < 256; i++) {
            // Each of these is six characters in JSON.
            stamps.put(
                    TestOutboxFactory.channel("upload:" + i
                            + "\u0001".repeat(256 - String.valueOf(i).length())),
                    -5L - i);
        }
        String user = "\u0001".repeat(256);
        outgoing.want(user);
        outgoing.tell(user, stamps);
        Map<String, Long> told = new HashMap<>();
        int messages = 0;
        for (String next = outgoing.next(); next != null; next = outgoing.next()) {
            parse(next)
                    .path("users")
                    .path(user)
                    .properties()
                    .forEach(stamp -> told.put(stamp.getKey(), stamp.getValue().asLong()));
            assertThat(++messages).isLessThan(300);
        }
        assertThat(told).hasSize(256);
        stamps.forEach((channel, stamp) -> assertThat(told.get(channel.name())).isEqualTo(stamp));
    }

    @Test
    void bytesOfWaitingUsersAreBounded() {
        int users = 0;
        while (outgoing.want("user-" + users)) {
            users++;
        }
        assertThat(users).isEqualTo(MAX_WAITING / 512);
        assertThat(outgoing.want("user-0")).as("the same one").isTrue();
        assertThat(outgoing.tell("7", stamps(1))).isFalse();
        assertThat(outgoing.next()).isNotNull();
        assertThat(outgoing.want("one more")).isTrue();
    }

    @Test
    void channelsOfAWaitingUserAreBounded() throws Exception {
        assertThat(outgoing.tell("7", stamps(MAX_PER_USER))).isTrue();
        assertThat(outgoing.tell("7", stamps(MAX_PER_USER))).as("the same ones").isTrue();
        assertThat(outgoing.tell("7", stamps(MAX_PER_USER + 1))).isFalse();
        assertThat(drain()).isEqualTo(MAX_PER_USER);
    }

    @Test
    void bytesOfWaitingChannelsAreBounded() throws Exception {
        Map<Channel, Long> stamps = stamps(MAX_PER_USER);
        int cost = 512;
        for (Channel channel : stamps.keySet()) {
            cost += 96 + channel.length();
        }
        for (int round = 0; round < 2; round++) {
            int users = 0;
            while (outgoing.tell("user-" + users, stamps)) {
                users++;
            }
            assertThat(users).isEqualTo(MAX_WAITING / cost);
            assertThat(drain()).as("channels").isGreaterThanOrEqualTo(users * MAX_PER_USER);
        }
    }

    @Test
    void olderStampDoesNotReplaceANewerOne() throws Exception {
        Channel channel = TestOutboxFactory.channel("upload:42");
        outgoing.tell("7", Map.of(channel, -6L));
        outgoing.tell("7", Map.of(channel, 5L));
        outgoing.tell("7", Map.of(channel, 6L));
        assertThat(parse(Objects.requireNonNull(outgoing.next()))
                        .path("users")
                        .path("7")
                        .path("upload:42")
                        .asLong())
                .isEqualTo(-6);
        assertThat(outgoing.next()).isNull();
    }

    private static Map<Channel, Long> stamps(int channels) {
        Map<Channel, Long> stamps = new HashMap<>();
        for (int i = 0; i < channels; i++) {
            stamps.put(TestOutboxFactory.channel("upload:" + i), 5L);
        }
        return stamps;
    }

    /** Removes all messages; returns the number of their channels. */
    private int drain() throws Exception {
        int channels = 0;
        for (String next = outgoing.next(); next != null; next = outgoing.next()) {
            for (JsonNode user : parse(next).path("users")) {
                channels += user.size();
            }
        }
        return channels;
    }

    private JsonNode parse(String message) throws Exception {
        assertThat(message.getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(MAX_BYTES);
        JsonNode parsed = new ObjectMapper().readTree(message);
        assertThat(outgoing.isOwn(parsed)).isTrue();
        assertThat(new OutgoingSubscriptions(MAX_WAITING, MAX_PER_USER).isOwn(parsed))
                .isFalse();
        return parsed;
    }
}
