/** What all answers over HTTP have in common: who may ask, how much they may send, and how problems are told. */
@NullMarked
package dev.sluice.http;

import org.jspecify.annotations.NullMarked;
