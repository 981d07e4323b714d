package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;

/**
 * A signed message of any pod, maybe this one, about the fleet. Fired on the thread that reads Redis.
 *
 * @param command {@link #QUESTION}, {@link #ANSWER}, {@link #POD}, {@link #LEAVE} or {@link #PRESENCE}
 * @param content the whole message
 * @param length its bytes
 */
public record FleetMessage(String command, JsonNode content, int length) {

    /** A pod asks all others. Its field {@link #ID} is new. */
    public static final String QUESTION = "question";

    /** The answer to a question with the field {@link #ID}, whose answers this pod awaits. */
    public static final String ANSWER = "answer";

    /** A pod tells of itself; may be a repetition. */
    public static final String POD = "pod";

    /** A pod stops; may be a repetition. */
    public static final String LEAVE = "leave";

    /** A pod tells or asks which users receive channels; may be a repetition. */
    public static final String PRESENCE = "presence";

    /** The field that identifies a question. */
    public static final String ID = "id";

    static final Set<String> COMMANDS = Set.of(QUESTION, POD, LEAVE, PRESENCE);
}
