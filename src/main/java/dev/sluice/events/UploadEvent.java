package dev.sluice.events;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import java.time.Instant;
import org.eclipse.microprofile.openapi.annotations.media.DiscriminatorMapping;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** An event of one upload. */
@JsonSubTypes({
    @JsonSubTypes.Type(value = UploadProgress.class, name = UploadProgress.ACTION),
    @JsonSubTypes.Type(value = UploadCompleted.class, name = UploadCompleted.ACTION),
    @JsonSubTypes.Type(value = UploadFailed.class, name = UploadFailed.ACTION),
})
@Schema(
        name = "UploadEvent",
        oneOf = {UploadProgress.class, UploadCompleted.class, UploadFailed.class},
        discriminatorProperty = "action",
        discriminatorMapping = {
            @DiscriminatorMapping(value = UploadProgress.ACTION, schema = UploadProgress.class),
            @DiscriminatorMapping(value = UploadCompleted.ACTION, schema = UploadCompleted.class),
            @DiscriminatorMapping(value = UploadFailed.ACTION, schema = UploadFailed.class),
        })
sealed interface UploadEvent extends Event permits UploadProgress, UploadCompleted, UploadFailed {

    /** The id of the upload; {@code null} if absent. */
    @Nullable
    String upload();

    /** The name of the field with the upload's id. */
    String uploadField();

    /** Returns the event for that upload. */
    UploadEvent about(String upload);

    @Override
    UploadEvent at(Instant time);
}
