/** What all HTTP requests share: checks of origin, path and size, and problem responses. */
@NullMarked
package dev.sluice.http;

import org.jspecify.annotations.NullMarked;
