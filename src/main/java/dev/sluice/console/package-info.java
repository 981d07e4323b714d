/** What a person sees of this pod in a browser. */
@NullMarked
package dev.sluice.console;

import org.jspecify.annotations.NullMarked;
