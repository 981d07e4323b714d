/** One WebSocket from its upgrade to its end: authentication, commands, heartbeat, expiry, drain. */
@NullMarked
package dev.sluice.session;

import org.jspecify.annotations.NullMarked;
