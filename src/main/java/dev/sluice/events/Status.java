package dev.sluice.events;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** The status of an upload. */
@RegisterForReflection
enum Status {
    @JsonProperty("pending")
    PENDING,
    @JsonProperty("analyzing")
    ANALYZING,
    @JsonProperty("embedding")
    EMBEDDING,
    @JsonProperty("completed")
    COMPLETED,
    @JsonProperty("failed")
    FAILED
}
