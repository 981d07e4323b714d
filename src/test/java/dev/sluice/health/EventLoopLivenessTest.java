package dev.sluice.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.channel.DefaultEventLoopGroup;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponse.Status;
import org.junit.jupiter.api.Test;

class EventLoopLivenessTest {

    @Test
    void blockedLoopFailsLivenessUntilItContinues() {
        DefaultEventLoopGroup loops = new DefaultEventLoopGroup(2);
        try {
            EventLoopLiveness liveness = new EventLoopLiveness(loops, Duration.ofSeconds(1), System::nanoTime);
            liveness.start();
            assertThat(liveness.response().getStatus()).isEqualTo(Status.UP);
            CountDownLatch done = new CountDownLatch(1);
            loops.next().execute(() -> {
                try {
                    done.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            await().atMost(60, TimeUnit.SECONDS).untilAsserted(() -> {
                HealthCheckResponse response = liveness.response();
                assertThat(response.getStatus()).isEqualTo(Status.DOWN);
                assertThat(response.getData().orElseThrow()).containsEntry("blocked", 1L);
            });
            done.countDown();
            await().atMost(60, TimeUnit.SECONDS)
                    .untilAsserted(
                            () -> assertThat(liveness.response().getStatus()).isEqualTo(Status.UP));
        } finally {
            loops.shutdownGracefully(0, 0, TimeUnit.SECONDS).syncUninterruptibly();
        }
    }
}
