/** Connected users and the channels that each connection listens to. */
@NullMarked
package dev.sluice.registry;

import org.jspecify.annotations.NullMarked;
