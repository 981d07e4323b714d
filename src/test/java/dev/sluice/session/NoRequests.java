package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.outbox.Frame;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Start;
import dev.sluice.route.Channel;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/** For sessions whose clients send no requests. */
enum NoRequests implements Requests {
    INSTANCE;

    @Override
    public void execute(Client client, ClientMessage message) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void begin(Client client, Opening opening, Consumer<Start> answer) {
        answer.accept(new Start(null, client.at(), null));
    }

    @Override
    public List<Channel> own(Client client) {
        return List.of();
    }

    @Override
    public List<Channel> channels(Client client) {
        return List.of();
    }

    @Override
    public void connect(
            Client client,
            ClientMessage.Connect message,
            Function<Map<Channel, Start>, Frame> answer,
            Runnable onAnswer) {
        client.connection().send(answer.apply(Map.of()));
        onAnswer.run();
    }

    @Override
    public void suspend(Client client) {}

    @Override
    public void restart(Client client, boolean streams) {}

    @Override
    public void renew(Client client, AuthenticatedUser identity) {
        throw new UnsupportedOperationException();
    }
}
