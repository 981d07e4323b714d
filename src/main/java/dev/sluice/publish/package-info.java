/** A way in over HTTP: what is posted is published to Redis. */
@NullMarked
package dev.sluice.publish;

import org.jspecify.annotations.NullMarked;
