import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.neo4j.configuration.Config;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.configuration.connectors.BoltConnector;
import org.neo4j.configuration.helpers.SocketAddress;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.graphdb.config.Setting;
import org.neo4j.io.ByteUnit;

/** Neo4j Community with Bolt on loopback, until standard input ends: Launcher DATA_FOLDER PORT [PLUGINS_FOLDER]. */
public final class Launcher {
    public static void main(String[] arguments) throws Exception {
        var builder = new DatabaseManagementServiceBuilder(Path.of(arguments[0]))
            .setConfig(GraphDatabaseSettings.auth_enabled, false)
            // The most; a small graph takes less.
            .setConfig(GraphDatabaseSettings.pagecache_memory, ByteUnit.gibiBytes(2))
            // One query must not take the memory of all.
            .setConfig(GraphDatabaseSettings.memory_transaction_max_size, ByteUnit.mebiBytes(512))
            .setConfig(BoltConnector.enabled, true)
            .setConfig(BoltConnector.listen_address, new SocketAddress("127.0.0.1", Integer.parseInt(arguments[1])));
        endAtOnce(builder);
        if (arguments.length > 2) {
            builder.setConfig(GraphDatabaseSettings.plugin_dir, Path.of(arguments[2]));
            // What a plugin's procedures reach into, they must be allowed to.
            builder.setConfig(GraphDatabaseSettings.procedure_unrestricted, List.of("gds.*"));
        }
        var server = builder.build();
        System.out.println("READY");
        // Whoever started this holds the other end; it closes when they die, however they die.
        while (System.in.read() != -1) { }
        server.shutdown();
    }

    /** Without the seconds in which somebody might still ask. Releases call that, and count it, differently. */
    @SuppressWarnings("unchecked")
    private static void endAtOnce(DatabaseManagementServiceBuilder builder) {
        for (var setting : Config.defaults().getDeclaredSettings().values()) {
            if (setting.name().startsWith("internal.dbms.bolt.netty_server_shutdown_quiet_period")) {
                Object nothing = setting.defaultValue() instanceof Integer ? 0 : Duration.ZERO;
                builder.setConfig((Setting<Object>) setting, nothing);
            }
        }
    }
}
