/** The formats of messages between clients and Sluice, error codes and close codes, as in docs/protocol.md. */
@NullMarked
package dev.sluice.protocol;

import org.jspecify.annotations.NullMarked;
