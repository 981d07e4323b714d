package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.SAXException;

class DockerfileTest {

    @Test
    void imagesDoNotRunAsRoot() {
        for (Dockerfile image : List.of(Dockerfile.JVM, Dockerfile.NATIVE)) {
            assertThat(Integer.parseInt(image.only("USER"))).isPositive();
        }
    }

    @Test
    void jibImageMatchesTheDockerfile() throws ParserConfigurationException, IOException, SAXException {
        Document pom = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new File("pom.xml"));
        Dockerfile image = Dockerfile.JVM;
        assertThat(jib(pom, "base-jvm-image")).isEqualTo(image.only("FROM"));
        assertThat(jib(pom, "working-directory")).isEqualTo(image.only("WORKDIR"));
        assertThat(jib(pom, "user")).isEqualTo(image.only("USER"));
        assertThat(jib(pom, "ports").split(","))
                .containsExactly(image.only("EXPOSE").split(" "));
        assertThat(jib(pom, "jvm-entrypoint").split(",")).containsExactlyElementsOf(image.entrypoint());
        List<String> command = Dockerfile.NATIVE.entrypoint();
        assertThat(jib(pom, "native-arguments").split(","))
                .containsExactlyElementsOf(command.subList(1, command.size()));
    }

    private static String jib(Document pom, String key) {
        return pom.getElementsByTagName("quarkus.jib." + key).item(0).getTextContent();
    }
}
