/** The HTTP API of operators. */
@NullMarked
package dev.sluice.operate;

import org.jspecify.annotations.NullMarked;
