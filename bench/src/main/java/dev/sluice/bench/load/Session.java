package dev.sluice.bench.load;

import java.util.List;

/**
 * How a client enters: the path it asks for, and what it then says, one after the other.
 *
 * @param knock a path that is asked for in a plain request first; empty for none
 * @param path of the WebSocket
 * @param subprotocol that is offered; empty for none
 * @param steps what is said once it is open
 */
public record Session(String knock, String path, String subprotocol, List<Step> steps) {

    /**
     * @param say a text message
     * @param expect what the answer to it contains; messages that don't are passed over
     */
    public record Step(String say, String expect) {}
}
