/** A real browser for tests of what people look at. */
package dev.sluice.browser;
