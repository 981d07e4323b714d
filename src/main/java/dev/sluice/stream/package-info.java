/** Reads Redis streams that have listeners, when Redis tells of new entries. */
@NullMarked
package dev.sluice.stream;

import org.jspecify.annotations.NullMarked;
