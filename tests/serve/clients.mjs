// What node-postgres sees of a server: prints one JSON object.
// Usage: node clients.mjs PORT DATABASE
import { createRequire } from "node:module";

const require = createRequire(process.env.CLIENT_MODULES);
const pg = require("pg");
const [port, database] = process.argv.slice(2);
const address = { host: "127.0.0.1", port: Number(port), user: "hitparade", database };
const client = new pg.Client(address);
await client.connect();
const rows = async (text, values) => (await client.query(text, values)).rows;
const found = {
  schemas: (await rows("select schema_name from information_schema.schemata order by 1")).map(
    (row) => row.schema_name,
  ),
  tables: await rows(
    "select table_name, table_type from information_schema.tables where table_schema = 'main' order by 1",
  ),
  columns: await rows(
    `select column_name, data_type, is_nullable from information_schema.columns
     where table_schema = $1 and table_name = $2 order by ordinal_position`,
    ["main", "dim_tracks"],
  ),
  over_a_table: await rows(
    "select track_id, predict_hit(t) as hit from dim_tracks t order by track_id limit 20",
  ),
  parameter: (await rows("select predict_hit($1, $2, $3, $4) as hit", [0.7, 0.8, 0.5, 120]))[0].hit,
  prepared: (
    await client.query({ name: "hit", text: "select predict_hit($1, 0.8, 0.5, 120) as hit", values: [0.7] })
  ).rows[0].hit,
  list: (await rows("select genres from dim_tracks where track_id = $1", [
    (await rows("select min(track_id) as least from dim_tracks"))[0].least,
  ]))[0].genres,
  list_parameter: (await rows("select next_songs($1, 3) as songs", [["spotify:track:none"]])).map(
    (row) => row.songs,
  ),
};
await client.end();
console.log(JSON.stringify(found));
