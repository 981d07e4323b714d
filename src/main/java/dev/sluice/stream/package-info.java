/** Reads Redis streams that somebody listens to, when Redis tells of new entries. */
@NullMarked
package dev.sluice.stream;

import org.jspecify.annotations.NullMarked;
