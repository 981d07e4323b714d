package dev.sluice.protocol;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Frame;
import org.jspecify.annotations.Nullable;

/** The messages of {@link V1}, with positions. */
final class V2 extends V1 {

    @Override
    public String tag() {
        return "v2";
    }

    @Override
    public String subprotocol() {
        return "sluice.v2";
    }

    @Override
    public boolean positioned() {
        return true;
    }

    @Override
    public Frame mark(Position at) {
        return frame(action("mark").put("at", at.toString()), null);
    }

    @Override
    ObjectNode positioned(ObjectNode answer, @Nullable Boolean recovered, @Nullable Position at) {
        if (recovered != null) {
            answer.put("recovered", recovered);
        }
        // Before what is recovered has been sent, nothing can be said of what comes after it.
        return at == null || Boolean.TRUE.equals(recovered) ? answer : answer.put("at", at.toString());
    }
}
