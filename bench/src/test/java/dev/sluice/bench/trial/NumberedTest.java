package dev.sluice.bench.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.trial.Publisher.Numbered;
import org.junit.jupiter.api.Test;

class NumberedTest {

    @Test
    void parsesItsOwnPublication() {
        Numbered published = new Numbered("upload:7", 42);
        String payload = published.payload(200);

        assertEquals(200, payload.length());
        assertTrue(Numbered.is(payload));
        assertEquals(published, Numbered.of(payload));
    }

    @Test
    void controlMessageIsNotAPublication() {
        assertFalse(Numbered.is("{\"action\":\"subscribed\",\"channel\":\"upload:7\"}"));
    }
}
