package dev.sluice.publish;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * Redis's confirmation of a publication. It has either the receivers or the ID.
 *
 * @param receivers the number of Redis subscribers that received it, usually the pods
 * @param id the ID of the stream's new entry
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Receipt(@Nullable Long receivers, @Nullable String id) {

    static Receipt published(long receivers) {
        return new Receipt(receivers, null);
    }

    static Receipt added(String id) {
        return new Receipt(null, id);
    }
}
