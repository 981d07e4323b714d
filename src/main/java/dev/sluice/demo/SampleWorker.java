package dev.sluice.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.quarkus.arc.profile.IfBuildProfile;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.redis.datasource.pubsub.ReactivePubSubCommands;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jboss.logging.Logger;

/** Simulates a backend that works on uploads and publishes their progress to Redis. */
@IfBuildProfile("dev")
@Singleton
final class SampleWorker {

    private static final Logger LOG = Logger.getLogger(SampleWorker.class);

    private static final int STEPS = 30;
    private static final List<String> STAGES = List.of(
            "queued", "extracting_frames", "vision_analysis", "description_audit", "embedding_generation", "indexing");

    private final ReactivePubSubCommands<String> redis;
    private final Set<String> inWork = ConcurrentHashMap.newKeySet();

    SampleWorker(ReactiveRedisDataSource redis) {
        this.redis = redis.pubsub(String.class);
    }

    /**
     * Works on all uploads at once, each at its own pace, and notifies the user at the end. Uploads that are in work are
     * left out, and their user is notified once, because a browser repeats a request whose connection breaks before the
     * answer.
     */
    void start(String user, List<String> ids) {
        List<String> uploads = ids.stream().filter(inWork::add).toList();
        if (uploads.isEmpty()) {
            return;
        }
        Uni.join()
                .all(uploads.stream().map(this::work).toList())
                .andCollectFailures()
                .chain(() -> redis.publish("user:" + user, notification(uploads.size())))
                .subscribe()
                .with(
                        receivers -> {},
                        failure -> LOG.warnf("The sample worker could not publish: %s", failure.getMessage()));
    }

    private Uni<Void> work(String upload) {
        Duration pace = Duration.ofMillis(ThreadLocalRandom.current().nextLong(150, 250));
        String channel = "upload:" + upload;
        return Multi.createFrom()
                .range(1, STEPS + 1)
                .onItem()
                .transformToUniAndConcatenate(step -> redis.publish(channel, progress(upload, step))
                        .onItem()
                        .delayIt()
                        .by(pace))
                .collect()
                .last()
                .chain(() -> redis.publish(channel, completed(upload)))
                .onTermination()
                .invoke(() -> inWork.remove(upload));
    }

    private static String progress(String upload, int step) {
        boolean done = step == STEPS;
        String stage = done ? "completed" : STAGES.get(step * STAGES.size() / STEPS);
        ObjectNode event = event("upload_progress");
        event.putObject("payload")
                .put("upload_id", upload)
                .put("status", done ? "completed" : step == 1 ? "pending" : "analyzing")
                .put("stage", stage)
                .put("progress_percent", 100 * step / STEPS)
                .put("message", stage.replace('_', ' '))
                .putNull("error_message")
                .putNull("description_audit_score");
        return stamped(event);
    }

    private static String completed(String upload) {
        return stamped(event("upload_completed")
                .put("upload_id", upload)
                .put("description", "A sample upload")
                .put("audit_score", 90));
    }

    private static String notification(int count) {
        return stamped(event("notification")
                .put("text", count == 1 ? "Your upload is ready" : "Your " + count + " uploads are ready"));
    }

    private static ObjectNode event(String action) {
        return JsonNodeFactory.instance.objectNode().put("action", action);
    }

    private static String stamped(ObjectNode event) {
        return event.put("timestamp", Instant.now().toString()).toString();
    }
}
