/** The operator's page, which shows the activity of this pod. */
@NullMarked
package dev.sluice.console;

import org.jspecify.annotations.NullMarked;
