package dev.sluice.fleet;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answers of the pods.
 *
 * @param list one of each pod that answered, this one first
 * @param pods which pods answered; {@code null} if only this pod was asked, because pods share no secret
 * @param receivers how many subscribers Redis sent the question to; {@code null} if it did not say in time
 */
public record Answers(
        List<Answer> list, @Nullable Pods pods, @Nullable Long receivers) {

    /** The answer of one pod. */
    public record Answer(String pod, JsonNode content) {}

    /** Returns {@code fleet} if the pods were asked, otherwise {@code pod}. */
    public String scope() {
        return pods == null ? "pod" : "fleet";
    }

    /** Returns the sum of a field. */
    public long sum(String field) {
        return list.stream()
                .mapToLong(answer -> answer.content().path(field).asLong())
                .sum();
    }

    /** Whether a pod has left out elements of its lists. */
    public boolean cut() {
        return list.stream()
                .anyMatch(answer -> answer.content().path(AnswerBuilder.CUT).asBoolean());
    }
}
