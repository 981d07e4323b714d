/**
 * Limits the cost of clients before authentication: TCP connections, requests, upgrades, and inbound work per event
 * loop iteration.
 */
@NullMarked
package dev.sluice.guard;

import org.jspecify.annotations.NullMarked;
