package dev.sluice.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.sluice.fuzz.Messages;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Execution(ExecutionMode.CONCURRENT)
class JsonTextTest {

    private static final JsonFactory JACKSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(JsonText.MAX_DEPTH)
                    .maxNumberLength(Integer.MAX_VALUE)
                    .build())
            .build();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                " [ ] ",
                "{\"a\":[1,-0.5e+3,true,false,null,\"\\u00e9\\n\\\\\"]}",
                "\n\t\r0",
                "\"ü\u2028\uD83D\uDE00\"",
                "1e400",
                "\"\\ud800\""
            })
    void jsonIsJson(String text) {
        assertThat(isJson(text)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "plain text",
                "{} {}",
                "{\"a\":1,}",
                "[1,]",
                "[,1]",
                "01",
                "+1",
                ".5",
                "1.",
                "1e",
                "-",
                "NaN",
                "nul",
                "truex",
                "'a'",
                "\"a",
                "\"\n\"",
                "\"\\x\"",
                "\"\\u12\"",
                "\uFEFF{}",
                "{\"a\"}",
                "{a:1}",
                "[}",
                "\u0000",
                "\u0000[\u0000]",
                "// a\n1"
            })
    void otherTextIsNot(String text) {
        assertThat(isJson(text)).isFalse();
    }

    @Test
    void depthIsBounded() {
        assertThat(isJson("[".repeat(JsonText.MAX_DEPTH) + "]".repeat(JsonText.MAX_DEPTH)))
                .isTrue();
        assertThat(isJson("[".repeat(JsonText.MAX_DEPTH + 1) + "]".repeat(JsonText.MAX_DEPTH + 1)))
                .isFalse();
        assertThat(isJson("[".repeat(1_000_000))).isFalse();
    }

    @Test
    void agreesWithJackson() {
        Messages messages = new Messages(11);
        int valid = 0;
        for (int i = 0; i < 30_000; i++) {
            String text = messages.next();
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            boolean expected = isJsonForJackson(new String(bytes, StandardCharsets.UTF_8));
            assertThat(JsonText.isJson(bytes)).as(text).isEqualTo(expected);
            valid += expected ? 1 : 0;
        }
        assertThat(valid).isBetween(5_000, 29_000);
    }

    private static boolean isJson(String text) {
        return JsonText.isJson(text.getBytes(StandardCharsets.UTF_8));
    }

    private static boolean isJsonForJackson(String text) {
        try (JsonParser parser = JACKSON.createParser(text)) {
            if (parser.nextToken() == null) {
                return false;
            }
            parser.skipChildren();
            // Jackson reads the rest of a string only when it is asked for it, or for what follows.
            return parser.nextToken() == null;
        } catch (IOException e) {
            return false;
        }
    }
}
