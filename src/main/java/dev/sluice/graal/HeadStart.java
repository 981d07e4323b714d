package dev.sluice.graal;

import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.Errors;
import io.quarkus.runtime.ImageMode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import org.jboss.logging.Logger;

/** Initialises what needs no configuration while an executable reads its configuration, which takes half of its start. */
public final class HeadStart {

    private HeadStart() {}

    /** Begins, on a thread of its own; on a JVM, does nothing. */
    public static void begin() {
        if (ImageMode.current() == ImageMode.NATIVE_RUN) {
            Thread thread = new Thread(HeadStart::run, "head-start");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private static void run() {
        try {
            // Loads its library. The messages of errors are read when the class is initialised.
            if (Epoll.isAvailable()) {
                Errors.handleConnectErrno("connect", Errors.ERRNO_EINPROGRESS_NEGATIVE);
            }
            // Reads the limits of the container.
            ManagementFactory.getOperatingSystemMXBean();
        } catch (IOException | LinkageError e) {
            // Whoever needs it fails likewise, and says so.
            Logger.getLogger(HeadStart.class).debug("A head start failed", e);
        }
    }
}
