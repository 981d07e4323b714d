package dev.sluice.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import dev.sluice.protocol.ClientMessage.Auth;
import dev.sluice.protocol.ClientMessage.InvalidMessage;
import dev.sluice.protocol.ClientMessage.NotAnObject;
import dev.sluice.protocol.ClientMessage.Ping;
import dev.sluice.protocol.ClientMessage.Pong;
import dev.sluice.protocol.ClientMessage.Presence;
import dev.sluice.protocol.ClientMessage.Subscribe;
import dev.sluice.protocol.ClientMessage.Unsubscribe;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClientMessageParserTest {

    @Test
    void readsEveryKnownMessage() {
        assertThat(parse("{'type':'auth','token':'t'}")).isEqualTo(new Auth("t", null, null));
        assertThat(parse("{'action':'subscribe_upload','upload_id':'42'}"))
                .isEqualTo(new Subscribe(List.of("upload:42"), false, null, null));
        assertThat(parse("{'action':'unsubscribe_upload','upload_id':'a:b'}"))
                .isEqualTo(new Unsubscribe(List.of("upload:a:b"), null));
        assertThat(parse("{'action':'subscribe','channel':'team:red'}"))
                .isEqualTo(new Subscribe(List.of("team:red"), true, null, null));
        assertThat(parse("{'action':'subscribe','channels':['team:red','upload:1']}"))
                .isEqualTo(new Subscribe(List.of("team:red", "upload:1"), true, null, null));
        assertThat(parse("{'action':'unsubscribe','channels':['team:red']}"))
                .isEqualTo(new Unsubscribe(List.of("team:red"), null));
        assertThat(parse("{'action':'ping'}")).isEqualTo(new Pong());
        assertThat(parse("{'action':'ping','id':null}")).isEqualTo(new Pong());
        assertThat(parse("{'action':'ping','id':'a'}")).isEqualTo(new Ping(TextNode.valueOf("a")));
        assertThat(parse("{'action':'pong','and':'more'}")).isEqualTo(new Pong());
        assertThat(parse("{'action':'pong','id':'a'}")).isEqualTo(new Pong());
    }

    @Test
    void onlyVersionTwoAsksForPresence() {
        String question = "{\"action\":\"presence\",\"channel\":\"team:red\",\"id\":1}";
        assertThat(ClientMessageParser.parse(question, true))
                .isEqualTo(new Presence("team:red", false, IntNode.valueOf(1)));
        assertThat(ClientMessageParser.parse(question, false))
                .isEqualTo(new InvalidMessage(ErrorCode.UNKNOWN_ACTION, "unknown action", IntNode.valueOf(1)));
        assertThat(ClientMessageParser.parse("{\"action\":\"presence\",\"channel\":7}", true))
                .isInstanceOf(InvalidMessage.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"'a'", "7", "-1.50", "1.0", "1E+3", "123456789012345678901234567890"})
    void returnsTheIdUnchanged(String id) {
        assertThat(parse("{'action':'subscribe','channel':'a:b','id':" + id + "}"))
                .isInstanceOfSatisfying(
                        Subscribe.class, message -> assertThat(message.id()).hasToString(id.replace('\'', '"')));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "nonsense",
                "[]",
                "'text'",
                "1",
                "null",
                "true",
                "{",
                "{} {}",
                "{'action':'ping'} x",
                "{'action':NaN}",
                "{'a':01}"
            })
    void textThatIsNotOneJsonObjectIsNotAnObject(String text) {
        assertThat(parse(text)).isEqualTo(new NotAnObject());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{'type':'auth'}",
                "{'type':'auth','token':''}",
                "{'type':'auth','token':7}",
                "{'type':'hello'}",
                "{'action':7}",
                "{'action':'subscribe'}",
                "{'action':'subscribe','channel':7}",
                "{'action':'subscribe','channel':null}",
                "{'action':'subscribe','channels':[]}",
                "{'action':'subscribe','channels':'a:b'}",
                "{'action':'subscribe','channels':['a:b',7]}",
                "{'action':'subscribe','channel':'a:b','channels':['a:b']}",
                "{'action':'subscribe_upload'}",
                "{'action':'subscribe_upload','upload_id':42}",
                "{'action':'ping','id':{}}",
                "{'a':1e2147483648}",
                "{'action':'ping','id':1e99999999999}"
            })
    void otherObjectsAreInvalid(String text) {
        assertThat(parse(text))
                .isInstanceOfSatisfying(
                        InvalidMessage.class,
                        message -> assertThat(message.code()).isEqualTo(ErrorCode.BAD_MESSAGE));
    }

    @Test
    void namesUnknownActions() {
        assertThat(parse("{'action':'dance','id':1}")).isInstanceOfSatisfying(InvalidMessage.class, message -> {
            assertThat(message.code()).isEqualTo(ErrorCode.UNKNOWN_ACTION);
            assertThat(message.id()).hasToString("1");
        });
    }

    @Test
    void refusesDeepNestingAndLongIds() {
        assertThat(parse("[".repeat(30_000))).isEqualTo(new NotAnObject());
        assertThat(parse("{'a':".repeat(17) + "1" + "}".repeat(17))).isInstanceOf(InvalidMessage.class);
        assertThat(parse("{'action':'ping','id':'" + "x".repeat(1025) + "'}")).isInstanceOf(InvalidMessage.class);
    }

    @Test
    void refusesTooManyValues() {
        assertThat(parse("{'action':'ping','a':['й'" + ",{}".repeat(10_000) + "]}"))
                .isInstanceOfSatisfying(
                        InvalidMessage.class,
                        message -> assertThat(message.message()).contains("too many values"));
        assertThat(parse("{'action':'ping','a':['й'" + ",{}".repeat(500) + "]}"))
                .isEqualTo(new Pong());
    }

    @Test
    void ignoresUnknownFields() {
        assertThat(parse("{'more':{'action':'dance','id':{}},'action':'pong','and':[[{}],1e2147483648]}"))
                .isEqualTo(new Pong());
        assertThat(parse("{'action':'subscribe','channels':['a:b',['c:d']]}")).isInstanceOf(InvalidMessage.class);
        assertThat(parse("{'action':'subscribe','channels':{'a':'b'}}")).isInstanceOf(InvalidMessage.class);
        assertThat(parse("{'action':'subscribe','channel':['a:b']}")).isInstanceOf(InvalidMessage.class);
        assertThat(parse("{'action':'dance','action':'pong'}")).isEqualTo(new Pong());
    }

    @Test
    void boundsTheLengthOfAList() {
        String most = "'a:b'" + ",'a:b'".repeat(255);
        assertThat(parse("{'action':'subscribe','channels':[" + most + "]}")).isInstanceOf(Subscribe.class);
        assertThat(parse("{'action':'subscribe','channels':[" + most + ",'a:b']}"))
                .isInstanceOf(InvalidMessage.class);
    }

    @Test
    void nullIdCountsAsAbsent() {
        assertThat(parse("{'type':'auth','token':'t','id':null}")).isEqualTo(new Auth("t", null, null));
    }

    @Test
    void neverThrows() {
        SplittableRandom random = new SplittableRandom(7);
        String alphabet = "{}[]:,'\\u0001e-.tnf \"actionsubscribe\uD800";
        for (int i = 0; i < 50_000; i++) {
            StringBuilder text = new StringBuilder("{'action':'subscribe','channel':'a:b'}");
            for (int edit = random.nextInt(1, 6); edit > 0; edit--) {
                text.setCharAt(random.nextInt(text.length()), alphabet.charAt(random.nextInt(alphabet.length())));
            }
            assertThat(parse(text.toString())).isNotNull();
        }
    }

    @Test
    void sinceIsParsedOnlyInV2() {
        Position position = Position.parse("18f3c-9a1b.16777219.7f");
        String auth = "{\"type\":\"auth\",\"token\":\"t\",\"since\":\"" + position + "\"}";
        String subscribe = "{\"action\":\"subscribe\",\"channel\":\"upload:1\",\"since\":\"" + position + "\"}";

        assertThat(ClientMessageParser.parse(auth, true)).isEqualTo(new Auth("t", Since.of(position), null));
        assertThat(ClientMessageParser.parse(auth, false)).isEqualTo(new Auth("t", null, null));
        assertThat(ClientMessageParser.parse(subscribe, true))
                .isEqualTo(new Subscribe(List.of("upload:1"), true, position, null));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "7",
                "{}",
                "[]",
                "true",
                "\"\"",
                "\"18f3c-9a1b\"",
                "\"18f3c-9a1b.16777219\"",
                "\"18f3c-9a1b.-1.7f\"",
                "\"18f3c-9a1b.0.7f\"",
                "\"18f3c-9a1b.9223372036854775808.7f\"",
                "\"18f3c-9a1b.16777219.7F\"",
                "\" 18f3c-9a1b.16777219.7f\""
            })
    void sinceThatIsNoPositionIsABadMessage(String since) {
        String subscribe = "{\"action\":\"subscribe\",\"channel\":\"upload:1\",\"id\":1,\"since\":" + since + "}";

        assertThat(ClientMessageParser.parse(subscribe, true)).isInstanceOfSatisfying(InvalidMessage.class, invalid -> {
            assertThat(invalid.code()).isEqualTo(ErrorCode.BAD_MESSAGE);
            assertThat(invalid.id()).isEqualTo(new IntNode(1));
        });
        assertThat(ClientMessageParser.parse(subscribe, false)).isInstanceOf(Subscribe.class);
    }

    private static ClientMessage parse(String text) {
        return ClientMessageParser.parse(text.replace('\'', '"'), false);
    }
}
