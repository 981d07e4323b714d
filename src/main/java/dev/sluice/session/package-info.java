/** One client's connection from its request to its end: authentication, commands, resume, heartbeat, expiry, drain. */
@NullMarked
package dev.sluice.session;

import org.jspecify.annotations.NullMarked;
