package dev.sluice.fleet;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;

/**
 * Which pods an answer comes from.
 *
 * @param complete whether every pod has answered
 * @param answered the names of those that have
 * @param missing the names of those that have not. If one pod is missing and another was killed in the last seconds,
 *     Redis's count does not tell them apart, and both are named
 * @param unnamed how many more have not, of which no name is known: new ones, or others that subscribe to the pods'
 *     channel
 */
public record Pods(
        boolean complete,
        List<String> answered,
        List<String> missing,
        @JsonInclude(JsonInclude.Include.NON_DEFAULT) int unnamed) {}
