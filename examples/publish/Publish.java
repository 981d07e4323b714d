///usr/bin/env jbang "$0" "$@" ; exit $?
//DEPS redis.clients:jedis:8.0.2

import redis.clients.jedis.Jedis;

/** Publishes an upload's progress, then notifies its user: jbang Publish.java &lt;upload&gt; &lt;user&gt; */
class Publish {

    public static void main(String[] args) {
        if (args.length != 2) {
            System.err.println("Usage: jbang Publish.java <upload> <user>");
            System.exit(2);
        }
        String upload = args[0];
        String user = args[1];
        String url = System.getenv().getOrDefault("REDIS_URL", "redis://localhost:6379");
        try (Jedis redis = new Jedis(url)) {
            for (int percent : new int[] {0, 50, 100}) {
                redis.publish("upload:" + upload, "{\"progress_percent\":" + percent + "}");
            }
            redis.publish("user:" + user, "{\"text\":\"Upload " + upload + " is ready\"}");
        }
    }
}
