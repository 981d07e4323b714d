package dev.sluice.fleet;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.fleet.Answers.Answer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One question to the fleet, and its answers so far. Ends once: with the last answer, or at its timeout. Thread-safe. */
final class Inquiry {

    /** The memory for the answers to one question, in bytes; later answers count as cut. */
    static final int MAX_BYTES = 1 << 20;

    private final String self;
    private final Answer own;
    private final Members members;
    private final boolean counted;
    private final Consumer<Answers> onEnd;

    private final Map<String, Answer> others = new LinkedHashMap<>();
    private @Nullable Long receivers;
    private boolean echoed;
    private boolean ended;
    private int bytes;

    /**
     * A question that is about to be sent.
     *
     * @param self the id of this pod
     * @param own its answer
     * @param counted see {@link Members#pods}
     * @param onEnd called once
     */
    Inquiry(String self, Answer own, Members members, boolean counted, Consumer<Answers> onEnd) {
        this.self = self;
        this.own = own;
        this.members = members;
        this.counted = counted;
        this.onEnd = onEnd;
    }

    /** Redis has sent the question to so many subscribers. */
    void sent(long subscribers) {
        change(() -> receivers = subscribers);
    }

    /** This pod has heard its own question, so it is one of the receivers. */
    void echoed() {
        change(() -> echoed = true);
    }

    /** Another pod has answered; only its first answer counts. */
    void answered(String id, Answer answer, int length) {
        change(() -> {
            if (!id.equals(self) && others.size() < Members.MAX && !others.containsKey(id)) {
                bytes += length;
                others.put(id, bytes <= MAX_BYTES ? answer : new Answer(answer.pod(), cut()));
            }
        });
    }

    /** The time is over. */
    void timeout() {
        end(true);
    }

    private void change(Runnable change) {
        synchronized (this) {
            if (ended) {
                return;
            }
            change.run();
        }
        end(false);
    }

    private void end(boolean now) {
        Answers answers;
        synchronized (this) {
            if (ended || (!now && !isComplete())) {
                return;
            }
            ended = true;
            answers = answers();
        }
        onEnd.accept(answers);
    }

    private boolean isComplete() {
        Long expected = receivers;
        return expected != null
                && echoed
                && others.size() + 1 >= expected
                && (counted || members.allRecent(others.keySet()));
    }

    private Answers answers() {
        Map<String, String> names = new LinkedHashMap<>();
        names.put(self, own.pod());
        others.forEach((id, answer) -> names.put(id, answer.pod()));
        List<Answer> list = new ArrayList<>();
        list.add(own);
        list.addAll(others.values());
        return new Answers(
                List.copyOf(list),
                // Without the echo, this pod may not have heard the answers either.
                members.pods(names, others.size() + 1, echoed ? receivers : null, counted),
                receivers);
    }

    private static JsonNode cut() {
        AnswerBuilder answer = new AnswerBuilder();
        answer.content().put(AnswerBuilder.CUT, true);
        return answer.content();
    }
}
