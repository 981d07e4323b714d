package dev.sluice;

import dev.sluice.graal.HeadStart;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;

/** Starts Sluice. */
@QuarkusMain
public final class Main {

    // Not private, because it is a bean.
    Main() {}

    /** Runs until it is told to stop. */
    public static void main(String... args) {
        HeadStart.begin();
        Quarkus.run(args);
    }
}
