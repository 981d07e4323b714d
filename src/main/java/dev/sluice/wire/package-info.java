/** The bytes of a WebSocket: frames that arrive and wait to be handled, frames that are written, on the pipeline of Netty. */
@NullMarked
package dev.sluice.wire;

import org.jspecify.annotations.NullMarked;
