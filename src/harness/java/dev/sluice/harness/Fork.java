package dev.sluice.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Numbers the processes that run tests simultaneously, so that each has its own files. */
public final class Fork {

    private static final Path TARGET = Path.of("target");

    private static volatile @Nullable Path ownFolder;

    private Fork() {}

    /** Holds the lock of this process's number until the process ends. */
    private static final class Numbered {
        private static final FileLock LOCK = lock();
    }

    /** Sets the folder of the files, which no other process may use. */
    public static void useFolder(Path own) {
        ownFolder = own;
    }

    /** Returns a file in the build folder with a name that no other process uses. */
    public static Path file(String name) {
        Path own = ownFolder;
        return own == null ? TARGET.resolve("it-" + Numbered.LOCK.position() + "-" + name) : own.resolve(name);
    }

    /** Returns the folder of the files. */
    static Path folder() {
        Path own = ownFolder;
        return own == null ? TARGET : own;
    }

    /** Locks the first free byte of a file, whose offset is the number. */
    private static FileLock lock() {
        try {
            FileChannel file =
                    FileChannel.open(TARGET.resolve("it.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
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
