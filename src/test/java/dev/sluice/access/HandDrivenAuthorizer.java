package dev.sluice.access;

import dev.sluice.route.Channel;
import dev.sluice.span.Span;
import io.smallrye.mutiny.Uni;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** An authorizer that answers when the test completes the question. */
public final class HandDrivenAuthorizer implements ChannelAuthorizer {

    /** The questions in order. */
    public final List<CompletableFuture<Boolean>> questions = new ArrayList<>();

    @Override
    public Uni<Boolean> ask(String user, Channel channel, Span span) {
        CompletableFuture<Boolean> question = new CompletableFuture<>();
        questions.add(question);
        return Uni.createFrom().completionStage(question);
    }
}
