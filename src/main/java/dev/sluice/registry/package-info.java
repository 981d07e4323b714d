/** Who is connected, and who listens to what. */
@NullMarked
package dev.sluice.registry;

import org.jspecify.annotations.NullMarked;
