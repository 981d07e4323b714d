/** Accounts for every publication at every client while things break; {@code bench/ledger} starts it. */
package dev.sluice.bench.ledger;
