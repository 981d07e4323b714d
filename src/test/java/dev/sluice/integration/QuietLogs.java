package dev.sluice.integration;

import dev.sluice.harness.Pod;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Checks the logs of shared pods after each test class. */
public final class QuietLogs implements AfterAllCallback {

    @Override
    public void afterAll(ExtensionContext context) {
        Pod.assertAllQuiet();
    }
}
