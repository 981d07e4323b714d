/** What clients and Sluice say to each other: messages, error codes and close codes, as docs/protocol.md describes them. */
@NullMarked
package dev.sluice.protocol;

import org.jspecify.annotations.NullMarked;
