package dev.sluice.bench.traffic;

import dev.sluice.bench.contender.Tokens;

/** What clients say. */
final class Phrases {

    private Phrases() {}

    static String auth(String user) {
        return "{\"type\":\"auth\",\"token\":\"" + Tokens.of(user) + "\"}";
    }

    static String subscribe(String channel) {
        return "{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}";
    }
}
