package dev.sluice.bench.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.Bench;
import dev.sluice.bench.Starts;
import dev.sluice.bench.attack.AttackProgram;
import dev.sluice.bench.fleet.Fleet;
import dev.sluice.bench.ledger.Ledger;
import dev.sluice.bench.process.Page.Column;
import dev.sluice.bench.resume.Resume;
import dev.sluice.bench.rollout.Rollout;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The options of the programs, and the pages that they write. */
class ProgramTest {

    private static final String PAGE =
            "<!--other-rows-->, <!--test-count-->no<!--/test-count--> rows: <!--test-rows--><!--/test-rows--> end";

    private final StringWriter said = new StringWriter();

    @BeforeAll
    static void setHome() {
        System.setProperty("bench.home", System.getProperty("user.dir"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ledger --quick --seed -7 --clients 10",
                "ledger --only pod-killed,none",
                "ledger --cluster --only sharded-slots-moved",
                "attack --only silent-sockets",
                "rollout --pods 10 --clients 5000",
                "resume --clients 10 --seed 1 --seed 2",
                "run --only fan-out,direct --contenders sluice,node --rounds 3",
                "fleet --only redis,pod,joins --rounds 3",
                "start --rounds 2 --way jar /bin/java"
            })
    void usefulOptionsAreAccepted(String line) {
        assertEquals(0, exitStatus(line), said::toString);
    }

    @Test
    void valueMayContainSpaces() {
        String command = "/bin/java -XX:+UseSerialGC -jar x.jar";
        assertEquals(0, Program.commandLine(new Starts()).execute("--check", "--way", "jar, JDK 25", command));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ledger --clients 9 | bench/ledger: --clients needs a number from 10 to 1500, not 9",
                "ledger --clients many | --clients",
                "ledger --seed | --seed",
                "ledger --only pod-killed,nothing | clients-jitter",
                "ledger --only sharded-slots-moved | need --cluster",
                "attack --only nothing | silent-sockets",
                "rollout --pods 11 | bench/rollout: --pods needs a number from 1 to 10, not 11",
                "resume --fast | --fast",
                "resume fast | fast",
                "run --contenders sluice,nobody | there is no contender nobody; there are ",
                "run --only everything | fan-out",
                "run --before nowhere | --before needs a folder with a quarkus-run.jar, not nowhere",
                "fleet --only nothing | redis",
                "start --rounds 101 | --help says more"
            })
    void wrongOptionsAreReportedWithStatusTwo(String line, String message) {
        assertEquals(2, exitStatus(line));
        assertTrue(said.toString().contains(message), said::toString);
        assertEquals(1, said.toString().lines().count());
    }

    @Test
    void partsOfTheProgramAreReplacedAndTheRestStays() {
        List<Column<Long>> columns = List.of(Column.text("name", row -> "r" + row), Column.count("n", row -> row));
        String once = new Page(PAGE, "test")
                .write("count", "$1")
                .writeLines("rows", "old")
                .text();

        String twice = new Page(once, "test")
                .write("count", "2")
                .writeTable("rows", List.of(1L, 2000L), columns)
                .text();

        assertEquals(
                "<!--other-rows-->, <!--test-count-->2<!--/test-count--> rows: "
                        + "<!--test-rows-->\n|name|n|\n|---|--:|\n|r1|1|\n|r2000|2,000|\n<!--/test-rows--> end",
                twice);
    }

    @Test
    void everyPartMustBeWrittenOnce() {
        Page page = new Page(PAGE, "test").write("count", "1");

        assertThrows(IllegalArgumentException.class, () -> page.write("count", "2"));
        assertThrows(IllegalArgumentException.class, () -> page.write("columns", "2"));
        assertThrows(IllegalStateException.class, page::text);
    }

    private int exitStatus(String line) {
        String[] words = line.split(" ");
        words[0] = "--check";
        Program program = switch (line.substring(0, line.indexOf(' '))) {
            case "fleet" -> new Fleet();
            case "ledger" -> new Ledger();
            case "attack" -> new AttackProgram();
            case "rollout" -> new Rollout();
            case "resume" -> new Resume();
            case "start" -> new Starts();
            default -> new Bench();
        };
        return Program.commandLine(program).setErr(new PrintWriter(said, true)).execute(words);
    }
}
