package dev.sluice.fleet;

import java.time.Instant;

/**
 * What a pod last told the others of itself.
 *
 * @param pod its name
 * @param started when it started
 * @param told when it told this, by its own clock
 * @param connections the number of its authenticated connections
 * @param users the number of their users
 * @param gaps the number of periods in which it may have missed publications
 * @param live whether it hears Redis; in mode {@code sharded}, at least one of the masters whose channels it needs
 */
public record Member(
        String pod,
        String version,
        Instant started,
        Instant told,
        long connections,
        long users,
        long gaps,
        boolean live) {}
