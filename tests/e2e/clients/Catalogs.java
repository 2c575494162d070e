import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;

/** Asks all that JDBC tools ask of a database's catalogs, and reads every answer. */
public class Catalogs {
    public static void main(String[] arguments) throws Exception {
        try (Connection connection = DriverManager.getConnection(arguments[0])) {
            DatabaseMetaData about = connection.getMetaData();
            read(about.getSchemas());
            read(about.getCatalogs());
            read(about.getTableTypes());
            read(about.getTables(null, "main", "%", new String[] {"TABLE", "VIEW"}));
            read(about.getTables("hitparade", "ml", "model\\_%", null));
            read(about.getColumns(null, "main", "dim\\_tracks", "%"));
            read(about.getColumns(null, "ml", "%", "%"));
            read(about.getColumns(null, null, null, "track_id"));
            read(about.getPrimaryKeys(null, "main", "dim_tracks"));
            read(about.getImportedKeys(null, "main", "fct_track_predictions"));
            read(about.getExportedKeys(null, "main", "dim_tracks"));
            read(about.getIndexInfo(null, "main", "fct_song_optimizations", true, true));
            read(about.getBestRowIdentifier(null, "main", "dim_tracks", 1, true));
            read(about.getFunctions(null, "main", "%"));
            read(about.getFunctionColumns(null, "main", "predict%", "%"));
            read(about.getProcedures(null, "main", "%"));
            read(about.getTablePrivileges(null, "main", "dim_tracks"));
            read(about.getColumnPrivileges(null, "main", "dim_tracks", "%"));
            about.getSQLKeywords();
            about.getMaxColumnNameLength();
            connection.getSchema();
            describe(connection, "select * from main.dim_tracks where track_id = ?");
        }
    }

    private static void read(ResultSet rows) throws Exception {
        int columns = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            for (int column = 1; column <= columns; column++) {
                rows.getObject(column);
            }
        }
        rows.close();
    }

    private static void describe(Connection connection, String sql) throws Exception {
        PreparedStatement statement = connection.prepareStatement(sql);
        ResultSetMetaData columns = statement.getMetaData();
        for (int column = 1; column <= columns.getColumnCount(); column++) {
            columns.getColumnTypeName(column);
            columns.isNullable(column);
            columns.isAutoIncrement(column);
        }
    }
}
