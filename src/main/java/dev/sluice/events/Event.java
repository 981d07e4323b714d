package dev.sluice.events;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;
import org.eclipse.microprofile.openapi.annotations.media.DiscriminatorMapping;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** Something that clients are told, as they have always been. What may be absent is {@code null} when it is. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "action")
@JsonSubTypes({
    @JsonSubTypes.Type(value = UploadProgress.class, name = UploadProgress.ACTION),
    @JsonSubTypes.Type(value = UploadCompleted.class, name = UploadCompleted.ACTION),
    @JsonSubTypes.Type(value = UploadFailed.class, name = UploadFailed.ACTION),
    @JsonSubTypes.Type(value = BatchProgress.class, name = BatchProgress.ACTION),
})
@Schema(
        name = "Event",
        oneOf = {UploadProgress.class, UploadCompleted.class, UploadFailed.class, BatchProgress.class},
        discriminatorProperty = "action",
        discriminatorMapping = {
            @DiscriminatorMapping(value = UploadProgress.ACTION, schema = UploadProgress.class),
            @DiscriminatorMapping(value = UploadCompleted.ACTION, schema = UploadCompleted.class),
            @DiscriminatorMapping(value = UploadFailed.ACTION, schema = UploadFailed.class),
            @DiscriminatorMapping(value = BatchProgress.ACTION, schema = BatchProgress.class),
        })
sealed interface Event permits UploadEvent, BatchProgress {

    /** The same event, with that time where it has none. */
    Event at(Instant time);
}
