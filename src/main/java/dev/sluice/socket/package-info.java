/** The WebSocket side: opening, authentication, subscribing, heartbeats, closing. */
@NullMarked
package dev.sluice.socket;

import org.jspecify.annotations.NullMarked;
