/** The configuration of Sluice: one tree of interfaces, with defaults and bounds. */
@NullMarked
package dev.sluice.config;

import org.jspecify.annotations.NullMarked;
