/** The bookkeeping: what was published, what each connection heard and was told, and whether that adds up. */
package dev.sluice.bench.account;
