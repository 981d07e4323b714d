package dev.sluice.console;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sluice.fleet.Fleet;
import dev.sluice.fleet.Member;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.ArrayList;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;

/** Shows the pods of the fleet, as they last told of themselves. */
@Path("/api/console/pods")
@RolesAllowed("operator")
@Produces(MediaType.APPLICATION_JSON)
public final class FleetResource {

    private final Fleet fleet;

    FleetResource(Fleet fleet) {
        this.fleet = fleet;
    }

    /**
     * One pod.
     *
     * @param member what it told
     * @param silentSeconds for how long it has told nothing since
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record PodRow(Member member, long silentSeconds) {}

    /** Returns this pod, then the others. */
    @GET
    @Operation(hidden = true)
    public List<PodRow> pods() {
        List<PodRow> rows = new ArrayList<>();
        rows.add(new PodRow(fleet.self(), 0));
        fleet.others().forEach(seen -> rows.add(new PodRow(seen.member(), seen.silentMillis() / 1000)));
        return rows;
    }
}
