package dev.sluice.bench.contender;

import dev.sluice.bench.load.Session;
import dev.sluice.bench.load.Session.Step;
import java.util.List;

/** How clients enter where Sluice's protocol is spoken. */
final class SluiceSessions {

    private static final String NO_KNOCK = "";
    private static final String PATH = "/ws";

    private SluiceSessions() {}

    static Session user(String user) {
        return new Session(NO_KNOCK, PATH, List.of(authentication(user)));
    }

    static Session subscriber(String user, String upload) {
        String subscription = "{\"action\":\"subscribe_upload\",\"upload_id\":\"" + upload + "\"}";
        return new Session(NO_KNOCK, PATH, List.of(authentication(user), new Step(subscription, "\"subscribed\"")));
    }

    private static Step authentication(String user) {
        return new Step("{\"type\":\"auth\",\"token\":\"" + Credentials.of(user) + "\"}", "\"auth_success\"");
    }
}
