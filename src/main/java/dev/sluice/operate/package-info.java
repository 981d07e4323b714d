/** The HTTP API for operators. */
@NullMarked
package dev.sluice.operate;

import org.jspecify.annotations.NullMarked;
