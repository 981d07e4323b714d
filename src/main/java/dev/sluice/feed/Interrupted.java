package dev.sluice.feed;

/** The subscription has ended and publications may be missed from now on. Fired on the thread publications come on. */
public record Interrupted() {}
