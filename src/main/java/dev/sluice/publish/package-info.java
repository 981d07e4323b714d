/** The HTTP API that publishes to Redis. */
@NullMarked
package dev.sluice.publish;

import org.jspecify.annotations.NullMarked;
