/** Adds to dev mode a Redis, tokens, a page and a simulated worker. Not part of the production build. */
@NullMarked
package dev.sluice.demo;

import org.jspecify.annotations.NullMarked;
