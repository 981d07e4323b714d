package dev.sluice.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Which of the processes that run tests at the same time this one is, so that the files of each are its own. */
public final class Fork {

    // The number is ours for as long as the lock is held, and that is as long as the process lives.
    private static final FileLock LOCK = lock();

    private Fork() {}

    /** A file in the folder for what is built, with a name that is this process's alone. */
    public static Path file(String name) {
        return Path.of("target", "it-" + LOCK.position() + "-" + name);
    }

    /** Each number is a byte of one file. */
    private static FileLock lock() {
        try {
            FileChannel file =
                    FileChannel.open(Path.of("target", "it.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            for (long number = 1; ; number++) {
                FileLock lock = file.tryLock(number, 1, false);
                if (lock != null) {
                    return lock;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
