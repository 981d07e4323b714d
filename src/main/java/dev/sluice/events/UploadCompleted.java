package dev.sluice.events;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
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
 * An upload is complete.
 *
 * @param description describes the content
 * @param auditScore from 0 to 100
 * @param timestamp the time of the event
 */
@RegisterForReflection
@Schema(
        requiredProperties = "action",
        properties = @SchemaProperty(name = "action", type = SchemaType.STRING, enumeration = UploadCompleted.ACTION))
record UploadCompleted(
        @JsonProperty("upload_id") @NotBlank String uploadId,
        @NotNull String description,

        @JsonProperty("audit_score") @NotNull @DecimalMin("0") @DecimalMax("100")
        BigDecimal auditScore,

        @Nullable Instant timestamp)
        implements UploadEvent {

    static final String ACTION = "upload_completed";

    @Override
    public @Nullable String upload() {
        return uploadId;
    }

    @Override
    public String uploadField() {
        return "upload_id";
    }

    @Override
    public UploadEvent about(String upload) {
        return new UploadCompleted(upload, description, auditScore, timestamp);
    }

    @Override
    public UploadEvent at(Instant time) {
        return timestamp == null ? new UploadCompleted(uploadId, description, auditScore, time) : this;
    }
}
