/**
 * The bytes of WebSockets and event streams: frames that arrive and wait to be handled, and frames that are written.
 */
@NullMarked
package dev.sluice.wire;

import org.jspecify.annotations.NullMarked;
