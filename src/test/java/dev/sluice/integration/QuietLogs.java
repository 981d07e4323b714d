package dev.sluice.integration;

import dev.sluice.harness.Pod;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Looks into the logs of pods that outlive a class of tests, after each of them: nobody else would before it is too late. */
public final class QuietLogs implements AfterAllCallback {

    @Override
    public void afterAll(ExtensionContext context) {
        Pod.assertAllQuiet();
    }
}
