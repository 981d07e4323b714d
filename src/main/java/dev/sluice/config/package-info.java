/** What Sluice can be configured with: one tree of interfaces, its bounds, and its defaults. */
@NullMarked
package dev.sluice.config;

import org.jspecify.annotations.NullMarked;
