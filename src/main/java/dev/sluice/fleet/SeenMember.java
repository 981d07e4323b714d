package dev.sluice.fleet;

/**
 * Another pod.
 *
 * @param member what it last told
 * @param silentMillis for how long it has told nothing since
 */
public record SeenMember(Member member, long silentMillis) {}
