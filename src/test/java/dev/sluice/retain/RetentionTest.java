package dev.sluice.retain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.outbox.Payload;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.retain.TestRetention.Config;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetentionTest {

    private static final Duration AGE = Duration.ofMinutes(15);
    private static final long AMPLE = 1L << 30;
    private static final Channel UPLOAD = TestOutboxFactory.channel("upload:1");

    private long now;

    @Test
    void keepsTheNewestOfEachChannel() {
        Retention retention = retention(10, AMPLE);
        assertThat(retention.newest(UPLOAD)).isNull();
        Payload newest = payload(3, 10);
        retention.remember(UPLOAD, payload(1, 10));
        retention.remember(upload(2), payload(2, 10));
        retention.remember(UPLOAD, newest);
        assertThat(retention.newest(UPLOAD)).isSameAs(newest);
        assertThat(sequence(retention, upload(2))).isEqualTo(2);
        assertThat(retention.newest(upload(3))).isNull();
        assertThat(retention.channels()).isEqualTo(2);
    }

    @Test
    void otherRoutesRetainNothing() {
        Retention retention = retention(10, AMPLE);
        Channel user = TestOutboxFactory.channel("user:7");
        retention.remember(user, payload(1, 10));
        assertThat(retention.newest(user)).isNull();
    }

    @Test
    void channelsAreBounded() {
        Retention retention = retention(10, AMPLE);
        for (int i = 1; i <= 10; i++) {
            retention.remember(upload(i), payload(i, 100));
            assertThat(retention.channels()).isEqualTo(i);
        }
        for (int i = 11; i <= 1000; i++) {
            retention.remember(upload(i), payload(i, 100));
            assertThat(retention.channels()).isEqualTo(10);
        }
        long found = 0;
        for (int i = 1; i <= 1000; i++) {
            found += retention.newest(upload(i)) == null ? 0 : 1;
        }
        assertThat(found).isEqualTo(10);
    }

    @Test
    void newPublicationEvictsTheOldest() {
        Retention retention = retention(3, AMPLE);
        for (int i = 1; i <= 3; i++) {
            // Often used channels give way as well.
            for (int use = 0; use < 100; use++) {
                retention.remember(upload(i), payload(i, 100));
                retention.newest(upload(i));
            }
        }
        retention.remember(upload(1), payload(4, 100));
        retention.remember(upload(4), payload(5, 100));
        assertThat(sequence(retention, upload(1))).isEqualTo(4);
        assertThat(retention.newest(upload(2))).isNull();
        assertThat(sequence(retention, upload(3))).isEqualTo(3);
        assertThat(sequence(retention, upload(4))).isEqualTo(5);
    }

    @ParameterizedTest
    @CsvSource({"100000, 1000", "1000, 1000", "100, 50000", "20, 20000"})
    void bytesAreBounded(int maxChannels, int largest) {
        int maxBytes = 100_000;
        Retention retention = retention(maxChannels, maxBytes);
        SplittableRandom random = new SplittableRandom(1);
        long most = 0;
        for (int i = 1; i <= 2000; i++) {
            // Names count as well, because clients choose them, and they may be longer than the payload.
            Channel channel =
                    TestOutboxFactory.channel("upload:" + "x".repeat(random.nextInt(250)) + random.nextInt(200));
            retention.remember(channel, payload(i, random.nextInt(largest)));
            retention.channels();
            assertThat(retention.bytes()).isLessThanOrEqualTo(maxBytes);
            assertThat(retention.channels()).isLessThanOrEqualTo(maxChannels);
            most = Math.max(most, retention.bytes());
        }
        assertThat(most).as("nor much less").isGreaterThan(maxChannels == 20 ? maxBytes / 4 : maxBytes / 2);
    }

    @Test
    void channelNamesCountTowardsTheBound() {
        Retention retention = retention(10, AMPLE);
        retention.remember(upload(1), payload(1, 100));
        long before = retention.bytes();
        retention.remember(TestOutboxFactory.channel("upload:" + "x".repeat(256)), payload(2, 100));
        assertThat(retention.bytes() - before).isEqualTo(before + 255);
    }

    @Test
    void oversizedPublicationRemovesTheOlderOne() {
        Retention retention = retention(10, 1000);
        retention.remember(UPLOAD, payload(1, 10));
        retention.remember(UPLOAD, payload(2, 1001));
        retention.channels();
        assertThat(retention.newest(UPLOAD)).isNull();
        retention.remember(UPLOAD, payload(3, 10));
        assertThat(sequence(retention, UPLOAD)).isEqualTo(3);
    }

    @Test
    void entriesExpire() {
        Retention retention = retention(10, AMPLE);
        retention.remember(UPLOAD, payload(1, 10));
        now += AGE.toNanos() - 1;
        assertThat(retention.newest(UPLOAD))
                .as("and being asked for does not make it younger")
                .isNotNull();
        retention.remember(upload(2), payload(2, 10));
        now++;
        assertThat(retention.newest(UPLOAD)).isNull();
        assertThat(sequence(retention, upload(2))).isEqualTo(2);
        retention.remember(UPLOAD, payload(3, 10));
        now += AGE.toNanos() - 1;
        assertThat(sequence(retention, UPLOAD)).isEqualTo(3);
    }

    @Test
    void evictionNeverReturnsAnOlderPublication() {
        Retention retention = retention(20, 10_000);
        Map<Channel, Long> newest = new HashMap<>();
        SplittableRandom random = new SplittableRandom(7);
        long found = 0;
        for (long sequence = 1; sequence <= 50_000; sequence++) {
            Channel written = upload(random.nextInt(60));
            newest.put(written, sequence);
            retention.remember(written, payload(sequence, random.nextInt(20) == 0 ? 12_000 : random.nextInt(800)));
            now += random.nextInt(1000) == 0 ? AGE.toNanos() / 2 : 0;
            Channel read = upload(random.nextInt(60));
            Payload kept = retention.newest(read);
            if (kept != null) {
                found++;
                assertThat(kept.sequence()).isEqualTo(newest.get(read));
            }
        }
        assertThat(found).as("there was something to find").isGreaterThan(5000);
    }

    @Test
    void clearRemovesAllPublications() {
        Retention retention = retention(10, AMPLE);
        retention.remember(UPLOAD, payload(1, 10));
        retention.remember(upload(2), payload(2, 10));
        retention.clear();
        assertThat(retention.newest(UPLOAD)).isNull();
        assertThat(retention.channels()).isZero();
        assertThat(retention.bytes()).isZero();
        retention.remember(UPLOAD, payload(3, 10));
        assertThat(sequence(retention, UPLOAD)).isEqualTo(3);
    }

    @Test
    void reportsItsSize() {
        SimpleMeterRegistry metrics = new SimpleMeterRegistry();
        Retention retention = new Retention(new Config(10, AGE, AMPLE), metrics);
        retention.remember(UPLOAD, payload(1, 1000));
        retention.remember(upload(2), payload(2, 2000));
        assertThat(metrics.get("sluice.retained.channels").gauge().value()).isEqualTo(2);
        assertThat(metrics.get("sluice.retained.bytes").gauge().value()).isBetween(3000.0, 3500.0);
        retention.clear();
        assertThat(metrics.get("sluice.retained.channels").gauge().value()).isZero();
        assertThat(metrics.get("sluice.retained.bytes").gauge().value()).isZero();
    }

    @Test
    void channelNamesDoNotKeepTheReadBuffer() {
        Retention retention = retention(1000, AMPLE);
        List<WeakReference<byte[]>> published = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            published.add(publish(retention, i));
        }
        // Waits for a collection; a referenced object would never be collected.
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (published.stream().anyMatch(array -> array.get() != null) && System.nanoTime() < end) {
            System.gc();
        }
        assertThat(published).allMatch(array -> array.get() == null);
        assertThat(retention.newest(upload(99))).isNotNull();
    }

    private static WeakReference<byte[]> publish(Retention retention, int id) {
        byte[] name = ("upload:" + id).getBytes(StandardCharsets.UTF_8);
        byte[] both = Arrays.copyOf(name, name.length + 10_000);
        Channel channel = Objects.requireNonNull(TestOutboxFactory.ROUTES.resolve(both, name.length));
        retention.remember(channel, payload(id, 10));
        return new WeakReference<>(both);
    }

    private Retention retention(int maxChannels, long maxBytes) {
        return new Retention(new Config(maxChannels, AGE, maxBytes), () -> now);
    }

    private static long sequence(Retention retention, Channel channel) {
        return Objects.requireNonNull(retention.newest(channel)).sequence();
    }

    private static Channel upload(int id) {
        return TestOutboxFactory.channel("upload:" + id);
    }

    private static Payload payload(long sequence, int length) {
        return Payload.of(sequence, null, new byte[length], 0);
    }
}
