package dev.sluice.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Which of the processes that run tests at the same time this one is, so that the files of each are its own. */
public final class Fork {

    private static final Path TARGET = Path.of("target");

    private static volatile @Nullable Path ownFolder;

    private Fork() {}

    /** The number is ours for as long as the lock is held, and that is as long as the process lives. */
    private static final class Numbered {
        private static final FileLock LOCK = lock();
    }

    /** From now on the files are in this folder, which no other process uses. */
    public static void useFolder(Path own) {
        ownFolder = own;
    }

    /** A file in the folder for what is built, with a name that is this process's alone. */
    public static Path file(String name) {
        Path own = ownFolder;
        return own == null ? TARGET.resolve("it-" + Numbered.LOCK.position() + "-" + name) : own.resolve(name);
    }

    /** The folder of the files. */
    static Path folder() {
        Path own = ownFolder;
        return own == null ? TARGET : own;
    }

    /** Each number is a byte of one file. */
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
