package dev.sluice.events;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import java.time.Instant;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.media.SchemaProperty;
import org.jspecify.annotations.Nullable;

/**
 * An upload has failed.
 *
 * @param errorMessage the reason
 * @param timestamp the time of the event
 */
@RegisterForReflection
@Schema(
        requiredProperties = "action",
        properties = @SchemaProperty(name = "action", type = SchemaType.STRING, enumeration = UploadFailed.ACTION))
record UploadFailed(
        @JsonProperty("upload_id") @NotBlank String uploadId,
        @JsonProperty("error_message") @NotNull String errorMessage,
        @Nullable Instant timestamp)
        implements UploadEvent {

    static final String ACTION = "upload_failed";

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
        return new UploadFailed(upload, errorMessage, timestamp);
    }

    @Override
    public UploadEvent at(Instant time) {
        return timestamp == null ? new UploadFailed(uploadId, errorMessage, time) : this;
    }
}
