package dev.sluice.bench.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.bench.process.Page.Column;
import java.util.List;
import org.junit.jupiter.api.Test;

class PageTest {

    private static final String TEXT =
            "<!--other-rows-->, <!--test-count-->no<!--/test-count--> rows: <!--test-rows--><!--/test-rows--> end";

    @Test
    void partsOfTheProgramAreReplacedAndTheRestStays() {
        List<Column<Long>> columns = List.of(Column.text("name", row -> "r" + row), Column.count("n", row -> row));
        String once = new Page(TEXT, "test")
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
        Page page = new Page(TEXT, "test").write("count", "1");

        assertThrows(IllegalArgumentException.class, () -> page.write("count", "2"));
        assertThrows(IllegalArgumentException.class, () -> page.write("columns", "2"));
        assertThrows(IllegalStateException.class, page::text);
    }
}
