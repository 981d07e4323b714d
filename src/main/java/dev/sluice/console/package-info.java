/** The operator's page: what this pod does. */
@NullMarked
package dev.sluice.console;

import org.jspecify.annotations.NullMarked;
