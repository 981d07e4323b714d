package dev.sluice.bench.traffic;

import dev.sluice.bench.contender.Credentials;

/** What clients say. */
final class Phrases {

    private Phrases() {}

    static String auth(String user) {
        return "{\"type\":\"auth\",\"token\":\"" + Credentials.of(user) + "\"}";
    }

    static String subscribe(String channel) {
        return "{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}";
    }
}
