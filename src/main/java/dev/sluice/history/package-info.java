/** Recent publications, for clients that resume. */
@NullMarked
package dev.sluice.history;

import org.jspecify.annotations.NullMarked;
