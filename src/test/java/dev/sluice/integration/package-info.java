/**
 * Wire tests: a packaged Sluice in its own process, a real Redis, real WebSockets. They use no code of Sluice, so they
 * run against the jar and the native executable.
 */
package dev.sluice.integration;
