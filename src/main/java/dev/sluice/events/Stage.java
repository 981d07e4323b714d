package dev.sluice.events;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** The stage of an upload. */
@RegisterForReflection
enum Stage {
    @JsonProperty("queued")
    QUEUED,
    @JsonProperty("extracting_frames")
    EXTRACTING_FRAMES,
    @JsonProperty("vision_analysis")
    VISION_ANALYSIS,
    @JsonProperty("description_audit")
    DESCRIPTION_AUDIT,
    @JsonProperty("embedding_generation")
    EMBEDDING_GENERATION,
    @JsonProperty("indexing")
    INDEXING,
    @JsonProperty("completed")
    COMPLETED,
    @JsonProperty("failed")
    FAILED
}
