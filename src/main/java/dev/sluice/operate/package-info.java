/** What operators see and do over HTTP. */
@NullMarked
package dev.sluice.operate;

import org.jspecify.annotations.NullMarked;
