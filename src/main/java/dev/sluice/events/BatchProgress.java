package dev.sluice.events;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.validation.Valid;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.PositiveOrZero;
import java.math.BigDecimal;
import java.time.Instant;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.media.SchemaProperty;
import org.jspecify.annotations.Nullable;

/**
 * The progress of a user's batch of uploads.
 *
 * @param timestamp the time of the event
 */
@RegisterForReflection
@Schema(
        requiredProperties = "action",
        properties = @SchemaProperty(name = "action", type = SchemaType.STRING, enumeration = BatchProgress.ACTION))
record BatchProgress(
        @NotNull @Valid Payload payload, @Nullable Instant timestamp) implements Event {

    static final String ACTION = "batch_progress";

    /**
     * The details.
     *
     * @param status any text of the backend
     * @param total the number of uploads in the batch
     * @param progressPercentage from 0 to 100
     */
    @RegisterForReflection
    @Schema(name = "BatchProgressPayload")
    record Payload(
            @JsonProperty("batch_id") @NotBlank String batchId,
            @NotBlank String status,
            @NotNull @PositiveOrZero Long total,
            @NotNull @PositiveOrZero Long processed,
            @NotNull @PositiveOrZero Long successful,
            @NotNull @PositiveOrZero Long failed,

            @JsonProperty("progress_percentage") @NotNull @DecimalMin("0") @DecimalMax("100")
            BigDecimal progressPercentage) {}

    @Override
    public Event at(Instant time) {
        return timestamp == null ? new BatchProgress(payload, time) : this;
    }
}
