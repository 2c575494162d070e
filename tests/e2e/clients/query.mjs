// The Node client: query.mjs FOLDER DATABASE SQL, where FOLDER/node_modules holds @duckdb/node-api.
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, database, sql] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(join(folder, "package.json"))("@duckdb/node-api");

const instance = await DuckDBInstance.create(database, { access_mode: "READ_ONLY" });
const connection = await instance.connect();
const reader = await connection.runAndReadAll(sql);
console.log(JSON.stringify(reader.getRowObjectsJson()));
