package dev.sluice.bench.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.bench.process.Page.Column;
import java.util.List;
import org.junit.jupiter.api.Test;

class PageTest {

    private static final String TEXT = "There are <!--count-->no<!--/count--> rows: <!--rows--><!--/rows--> end";

    @Test
    void partsAreReplacedAndTheRestStays() {
        String once =
                new Page(TEXT).write("count", "$1").writeLines("rows", "old").text();

        String twice = new Page(once)
                .write("count", "2")
                .writeTable(
                        "rows",
                        List.of(1L, 2000L),
                        List.of(Column.text("name", row -> "r" + row), Column.count("n", row -> row)))
                .text();

        assertEquals(
                "There are <!--count-->2<!--/count--> rows: <!--rows-->\n| name | n |\n|---|--:|\n"
                        + "| r1 | 1 |\n| r2000 | 2,000 |\n<!--/rows--> end",
                twice);
    }

    @Test
    void everyPartMustBeWrittenOnce() {
        Page page = new Page(TEXT).write("count", "1");

        assertThrows(IllegalArgumentException.class, () -> page.write("count", "2"));
        assertThrows(IllegalArgumentException.class, () -> page.write("columns", "2"));
        assertThrows(IllegalStateException.class, page::text);
    }
}
