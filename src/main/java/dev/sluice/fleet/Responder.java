package dev.sluice.fleet;

import com.fasterxml.jackson.databind.JsonNode;

/** Answers one kind of question for this pod. Each bean of this type is used. Thread-safe. */
public interface Responder {

    /** The kind of question. */
    String kind();

    /**
     * Answers a question of this or another pod. Runs on a worker thread.
     *
     * @param question its fields come from another pod, maybe of another version
     */
    void answer(JsonNode question, AnswerBuilder answer);
}
