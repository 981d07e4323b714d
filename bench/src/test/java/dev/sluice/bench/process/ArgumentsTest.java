package dev.sluice.bench.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.process.Arguments.Wrong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArgumentsTest {

    @Test
    void argumentsAreReadFromLeftToRight() throws Wrong {
        Arguments arguments = new Arguments("--quick", "--seed", "-7", "--only", "this");

        assertEquals("--quick", arguments.next());
        assertEquals("--seed", arguments.next());
        assertEquals(-7, arguments.number("--seed", Long.MIN_VALUE, Long.MAX_VALUE));
        assertEquals("--only", arguments.next());
        assertEquals("this", arguments.value("--only"));
        assertTrue(arguments.isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"9", "21", "many", ""})
    void invalidNumberIsRejected(String value) {
        Wrong wrong = assertThrows(Wrong.class, () -> new Arguments(value).number("--clients", 10, 20));

        assertEquals("--clients needs a number from 10 to 20, not " + value, wrong.getMessage());
    }

    @Test
    void optionWithoutItsValueIsRejected() {
        assertThrows(Wrong.class, () -> new Arguments().value("--only"));
    }
}
