/**
 * Limits what clients may cost before they are anyone: TCP connections, requests, upgrades, and what an event loop does of
 * it in one turn.
 */
@NullMarked
package dev.sluice.guard;

import org.jspecify.annotations.NullMarked;
