/** What all HTTP answers share: authorization, size limits and problem responses. */
@NullMarked
package dev.sluice.http;

import org.jspecify.annotations.NullMarked;
