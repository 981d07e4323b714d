package dev.sluice.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.LongNode;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.fuzz.CentrifugeCommands;
import dev.sluice.protocol.ClientMessage.Connect;
import dev.sluice.protocol.ClientMessage.History;
import dev.sluice.protocol.ClientMessage.InvalidMessage;
import dev.sluice.protocol.ClientMessage.Ping;
import dev.sluice.protocol.ClientMessage.Pong;
import dev.sluice.protocol.ClientMessage.Presence;
import dev.sluice.protocol.ClientMessage.Refresh;
import dev.sluice.protocol.ClientMessage.Subscribe;
import dev.sluice.protocol.ClientMessage.Unsubscribe;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Execution(ExecutionMode.CONCURRENT)
class CentrifugeCommandParserTest {

    private static final JsonNode ONE = IntNode.valueOf(1);
    private static final Position SINCE = Position.withoutNonce(new Era(0x18f3c, 0x9a1b), 16_777_219);

    @Test
    void readsEveryKnownCommand() {
        assertThat(one("{'id':1,'connect':{'token':'t','name':'js','data':{'a':[1]},'headers':{'x':'y'}}}"))
                .isEqualTo(new Connect("t", Map.of(), ONE));
        assertThat(one("{'connect':{'subs':{'user:7':{'recover':true,'epoch':'18f3c-9a1b','offset':16777219},"
                        + "'user:8':{'recover':false}}},'id':1}"))
                .isEqualTo(new Connect(null, Map.of("user:7", SINCE), ONE));
        assertThat(one("{'id':1,'refresh':{'token':'t'}}")).isEqualTo(new Refresh("t", ONE));
        assertThat(one("{'id':1,'subscribe':{'channel':'upload:1','flag':1}}"))
                .isEqualTo(new Subscribe(List.of("upload:1"), false, null, false, ONE));
        assertThat(one("{'id':1,'subscribe':{'channel':'upload:1','recover':true,'epoch':'18f3c-9a1b',"
                        + "'offset':16777219,'flag':3,'tf':{'nodes':[{'op':'eq'}]}}}"))
                .isEqualTo(new Subscribe(List.of("upload:1"), false, SINCE, true, ONE));
        assertThat(one("{'id':1,'unsubscribe':{'channel':'upload:1'}}"))
                .isEqualTo(new Unsubscribe(List.of("upload:1"), ONE));
        assertThat(one("{'id':1,'ping':{}}")).isEqualTo(new Ping(ONE));
        assertThat(one("{'id':1,'history':{'channel':'upload:1'}}"))
                .isEqualTo(new History("upload:1", 0, null, false, ONE));
        assertThat(one("{'id':1,'history':{'channel':'upload:1','limit':-7,'reverse':true,"
                        + "'since':{'offset':16777219,'epoch':'18f3c-9a1b'}}}"))
                .isEqualTo(new History("upload:1", -1, SINCE, true, ONE));
        assertThat(one("{'id':1,'presence':{'channel':'upload:1'}}")).isEqualTo(new Presence("upload:1", false, ONE));
        assertThat(one("{'id':1,'presence_stats':{'channel':'upload:1'}}"))
                .isEqualTo(new Presence("upload:1", true, ONE));
        assertThat(one("{}")).isEqualTo(new Pong());
        assertThat(one("{'id':4294967295,'ping':{}}")).isEqualTo(new Ping(LongNode.valueOf(4_294_967_295L)));
    }

    @Test
    void readsOneCommandALine() {
        assertThat(parse("{'id':1,'ping':{}}\n\n{}\n{'id':1,'ping':{}}\n"))
                .containsExactly(new Ping(ONE), new Pong(), new Ping(ONE));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'id':1,'publish':{'channel':'a:b','data':{}}}",
                "{'id':1,'rpc':{'method':'m','data':[]}}",
                "{'id':1,'sub_refresh':{'channel':'a:b','token':'t'}}",
                "{'id':1,'send':{'data':{}}}",
                "{'id':1,'subscribe':{'channel':'a:b','type':4}}",
                "{'id':1,'map_publish':{'channel':'a:b'}}",
                "{'id':1,'dance':7}"
            })
    void otherCommandsAreNotAvailable(String command) {
        assertThat(one(command)).isInstanceOfSatisfying(InvalidMessage.class, message -> {
            assertThat(message.code()).isEqualTo(ErrorCode.UNKNOWN_ACTION);
            assertThat(message.id()).isEqualTo(ONE);
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'id':1}",
                "{'id':1,'subscribe':null}",
                "{'id':1,'subscribe':{}}",
                "{'id':1,'subscribe':{'channel':''}}",
                "{'id':1,'subscribe':{'channel':7}}",
                "{'id':1,'subscribe':{'channel':['a:b']}}",
                "{'id':1,'subscribe':{'channel':'a:b','recover':1}}",
                "{'id':1,'subscribe':{'channel':'a:b','recover':true,'offset':'7'}}",
                "{'id':1,'subscribe':{'channel':'a:b','recover':true,'offset':7.0}}",
                "{'id':1,'subscribe':{'channel':'a:b','recover':true,'offset':-1}}",
                "{'id':1,'subscribe':{'channel':'a:b','recover':true,'epoch':{}}}",
                "{'id':1,'subscribe':{'channel':'a:b'},'unsubscribe':{'channel':'a:b'}}",
                "{'id':1,'history':{'channel':'a:b','limit':1.5}}",
                "{'id':1,'history':{'channel':'a:b','since':7}}",
                "{'id':1,'connect':{'subs':[]}}",
                "{'id':1,'connect':{'token':7}}",
                "{'id':1,'refresh':{}}"
            })
    void badValuesAreAnswered(String command) {
        assertThat(one(command)).isInstanceOfSatisfying(InvalidMessage.class, message -> {
            assertThat(message.code()).isEqualTo(ErrorCode.BAD_MESSAGE);
            assertThat(message.id()).isEqualTo(ONE);
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " \n ",
                "x",
                "[]",
                "7",
                "null",
                "{",
                "{'id':1,'ping':{}} {}",
                "{'ping':{}}",
                "{'send':{'data':1}}",
                "{'id':0,'ping':{}}",
                "{'id':-1,'ping':{}}",
                "{'id':'1','ping':{}}",
                "{'id':1.0,'ping':{}}",
                "{'id':4294967296,'ping':{}}",
                "{'id':99999999999999999999999,'ping':{}}",
                "{'id':1e99999999,'ping':{}}",
                "{'id':[1],'ping':{}}",
                "{'id':true,'ping':{}}"
            })
    void commandThatCantBeAnsweredEndsTheFrame(String command) {
        List<ClientMessage> messages = parse(command + "\n{'id':1,'ping':{}}");
        if (!command.isBlank()) {
            assertThat(messages)
                    .singleElement()
                    .isInstanceOfSatisfying(
                            InvalidMessage.class,
                            message -> assertThat(message.id()).isNull());
        }
        assertThat(parse(command)).singleElement().isInstanceOf(InvalidMessage.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'epoch':'_','offset':7",
                "'epoch':'','offset':7",
                "'offset':7",
                "'epoch':'18f3c-9a1b','offset':1152921504606846976",
                "'epoch':'18f3c-9a1b','offset':99999999999999999999999999",
                "'epoch':'0018f3c-9a1b','offset':16777219",
                "'epoch':'ffffffffffffffffffffff-1','offset':16777219"
            })
    void positionOfAnotherServerIsNowhere(String position) {
        assertThat(one("{'id':1,'subscribe':{'channel':'a:b','recover':true," + position + "}}"))
                .isEqualTo(new Subscribe(List.of("a:b"), false, Position.NOWHERE, false, ONE));
    }

    @Test
    void frameIsBounded() {
        assertThat(parse("{}\n".repeat(CentrifugeCommandParser.MAX_COMMANDS)))
                .hasSize(CentrifugeCommandParser.MAX_COMMANDS)
                .containsOnly(new Pong());
        assertThat(parse("{}\n".repeat(CentrifugeCommandParser.MAX_COMMANDS + 5)))
                .hasSize(CentrifugeCommandParser.MAX_COMMANDS + 1)
                .last()
                .isInstanceOf(InvalidMessage.class);
        assertThat(one("{'id':1,'connect':{'data':" + "[".repeat(10_000) + "}}"))
                .isInstanceOf(InvalidMessage.class);
        assertThat(one("{'id':1,'connect':{'data':[" + "1,".repeat(10_000) + "1]}}"))
                .isInstanceOf(InvalidMessage.class);
    }

    @Test
    void everyFrameGivesMessages() {
        CentrifugeCommands frames = new CentrifugeCommands(7);
        Set<Class<?>> kinds = new HashSet<>();
        for (int i = 0; i < 100_000; i++) {
            String frame = frames.next();
            List<ClientMessage> messages = CentrifugeCommandParser.parse(frame);
            assertThat(messages)
                    .as(frame)
                    .isNotEmpty()
                    .hasSizeLessThanOrEqualTo(CentrifugeCommandParser.MAX_COMMANDS + 1);
            for (int j = 0; j < messages.size(); j++) {
                kinds.add(messages.get(j).getClass());
                if (messages.get(j) instanceof InvalidMessage invalid && invalid.id() == null) {
                    assertThat(j).as(frame).isEqualTo(messages.size() - 1);
                }
            }
        }
        assertThat(kinds)
                .containsExactlyInAnyOrder(
                        Connect.class,
                        Refresh.class,
                        Subscribe.class,
                        Unsubscribe.class,
                        Ping.class,
                        Pong.class,
                        History.class,
                        Presence.class,
                        InvalidMessage.class);
    }

    private static ClientMessage one(String command) {
        List<ClientMessage> messages = parse(command);
        assertThat(messages).hasSize(1);
        return messages.get(0);
    }

    private static List<ClientMessage> parse(String commands) {
        return CentrifugeCommandParser.parse(commands.replace('\'', '"'));
    }
}
