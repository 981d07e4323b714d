package dev.sluice.events;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.validation.Valid;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import java.math.BigDecimal;
import java.time.Instant;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.media.SchemaProperty;
import org.jspecify.annotations.Nullable;

/**
 * The progress of an upload.
 *
 * @param timestamp the time of the event
 */
@RegisterForReflection
@Schema(
        requiredProperties = "action",
        properties = @SchemaProperty(name = "action", type = SchemaType.STRING, enumeration = UploadProgress.ACTION))
record UploadProgress(
        @NotNull @Valid Payload payload, @Nullable Instant timestamp) implements UploadEvent {

    static final String ACTION = "upload_progress";

    /**
     * The details.
     *
     * @param progressPercent from 0 to 100
     * @param errorMessage the error, if any
     * @param descriptionAuditScore from 0 to 100; absent before the audit
     */
    @RegisterForReflection
    @Schema(name = "UploadProgressPayload")
    record Payload(
            @JsonProperty("upload_id") @NotBlank String uploadId,
            @NotNull Status status,
            @NotNull Stage stage,

            @JsonProperty("progress_percent") @NotNull @DecimalMin("0") @DecimalMax("100")
            BigDecimal progressPercent,

            @NotNull String message,

            @JsonProperty("error_message") @Schema(nullable = true) @Nullable
            String errorMessage,

            @JsonProperty("description_audit_score")
            @DecimalMin("0")
            @DecimalMax("100")
            @Schema(nullable = true)
            @Nullable
            BigDecimal descriptionAuditScore) {}

    @Override
    public @Nullable String upload() {
        return payload == null ? null : payload.uploadId;
    }

    @Override
    public String uploadField() {
        return "payload.upload_id";
    }

    @Override
    public UploadEvent about(String upload) {
        if (payload == null) {
            return this;
        }
        Payload named = new Payload(
                upload,
                payload.status,
                payload.stage,
                payload.progressPercent,
                payload.message,
                payload.errorMessage,
                payload.descriptionAuditScore);
        return new UploadProgress(named, timestamp);
    }

    @Override
    public UploadEvent at(Instant time) {
        return timestamp == null ? new UploadProgress(payload, time) : this;
    }
}
