package dev.sluice.events;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;
import org.eclipse.microprofile.openapi.annotations.media.DiscriminatorMapping;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** A typed event of the Python system. Absent optional fields are {@code null}. */
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

    /** Returns the event, with that time if it has none. */
    Event at(Instant time);
}
