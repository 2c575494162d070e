"""Statements that must not run: they read or write outside of the schemas that a user may read."""

FILES = ["/etc/passwd", "x.csv", "x.parquet", "x.json", "x.duckdb", "https://localhost/x.csv"]
FILE_FUNCTIONS = [
    *("read_csv", "read_csv_auto", "read_json", "read_json_auto", "read_json_objects"),
    *("read_ndjson", "read_ndjson_auto", "read_parquet", "parquet_scan", "read_text", "read_blob"),
    *("read_duckdb", "glob", "sniff_csv", "parquet_metadata", "parquet_schema"),
    *("parquet_file_metadata", "parquet_kv_metadata", "read_json_objects_auto"),
]
SETTINGS_FUNCTIONS = [
    *("duckdb_settings", "duckdb_databases", "duckdb_secrets", "duckdb_tables", "duckdb_columns"),
    *("duckdb_functions", "duckdb_logs", "duckdb_memory", "duckdb_extensions", "duckdb_views"),
    *("duckdb_temporary_files", "duckdb_variables", "duckdb_prepared_statements"),
    *("duckdb_dependencies", "duckdb_external_file_cache", "pragma_database_size"),
    *("pragma_version", "pragma_platform", "pragma_user_agent", "enable_logging"),
    *("disable_logging", "checkpoint", "force_checkpoint", "truncate_duckdb_logs"),
]
HIDDEN = "features.feat_hit"  # a schema that no user of the tests may read
# Where an expression or a table can stand.
EXPRESSION_PLACES = [
    "select {}",
    "select case when true then {} end",
    "select (select {})",
    "select list_transform([1], lambda x: {})",
    "select 1 order by {}",
    "select 1 where {} is not null",
    "select count(*) filter ({} is not null) from dim_tracks",
    "select max(1) over (order by {})",
    "with x as (select {}) select 1 from x",
    "select predict_hit(0.7, 0.8, 0.5, length({}::varchar))",
    "values ({})",
    "select 1 union all select length({}::varchar)",
]
TABLE_PLACES = [
    "from {}",
    "select 1 from dim_tracks, {}",
    "select (select count(*) from {})",
    "select 1 where exists (from {})",
    "select 1 in (select 1 from {})",
    "with x as (from {}) select 1",
    "with recursive x as (select 1 as a union all select 2 from {}) from x",
    "select 1 from (select 2 from (select 3 from {}))",
    "select 1 from dim_tracks t join lateral (from {}) on true",
    "describe {}",
    "summarize {}",
    "select 1 union all select 2 from {}",
    "from (pivot {} on x)",
    "select * from dim_tracks where track_id = any(select 'x' from {})",
]
FUNCTIONS = [
    *("current_setting('home_directory')", "getvariable('x')", "nextval('x')", "currval('x')"),
    *("current_query()", "json_serialize_plan('select 1')", "setseed(0.5)"),
    "__internal_decompress_string(1::ubigint)",
    "(select __postgres.getvariable() from (select 'x' as __postgres))",
    "(select __postgres.current_setting() from (select 'home_directory' as __postgres))",
]
CHANGES = [
    "insert into dim_tracks select * from dim_tracks",
    "with x as (insert into dim_tracks select * from dim_tracks returning 1) from x",
    "with x as (delete from dim_tracks returning 1) from x",
    "with x as (update dim_tracks set energy = 1 returning 1) from x",
    "update dim_tracks set energy = 1",
    "delete from dim_tracks",
    "merge into dim_tracks using dim_tracks t on true when matched then delete",
    "truncate dim_tracks",
    "create table t as select 1",
    "create temp table t as select 1",
    "create or replace table memory.main.t as select 1",
    "create view v as select 1",
    "create temp view v as select 1",
    "create macro m() as 1",
    "create or replace temp macro predict_hit(a) as 1",
    "create schema s",
    "create sequence s",
    "create index i on dim_tracks(track_id)",
    "create type t as enum ('a')",
    "create secret s (type s3)",
    "create function f(a) as a",
    "drop table dim_tracks",
    "drop view dim_tracks",
    "drop macro predict_hit",
    "alter table dim_tracks add column x int",
    "comment on table dim_tracks is 'x'",
    "attach ':memory:' as m",
    "attach 'x.duckdb'",
    "detach hitparade",
    "use memory",
    "copy dim_tracks to 'x.csv'",
    "copy (select 1) to '/dev/stdout'",
    "copy dim_tracks from 'x.csv'",
    "export database 'x'",
    "import database 'x'",
    "install httpfs",
    "force install httpfs from community",
    "load httpfs",
    "load '/tmp/x.duckdb_extension'",
    "update extensions",
    "checkpoint",
    "force checkpoint",
    "vacuum",
    "analyze",
    "pragma database_list",
    "pragma version",
    "pragma enable_external_access",
    "call pragma_version()",
    "call duckdb_settings()",
    "call enable_logging()",
    "set enable_external_access = true",
    "set global lock_configuration = false",
    "set memory_limit = '100GB'",
    "set temp_directory = '/tmp'",
    "set variable x = 1",
    "reset enable_external_access",
    "prepare p as select 1",
    "execute p",
    "explain analyze insert into dim_tracks select * from dim_tracks",
    "explain select * from read_csv('x')",
    "pivot dim_tracks on mode",
    "show databases",
    "show tables",
    "show all tables",
    "do $$ begin end $$",
    "call next_songs([], 3)",
    "grant select on dim_tracks to public",
    "lock table dim_tracks",
    "notify x",
    "reindex table dim_tracks",
    "select 1; drop table dim_tracks",
    "select 1 into t",
    "select 1 /* */; attach 'x'",
]
INTERNAL_VIEWS = [
    *("duckdb_databases", "duckdb_tables", "duckdb_columns", "pragma_database_list"),
    *("sqlite_master", "sqlite_temp_master", "duckdb_logs", "duckdb_views"),
]
NAMES = [
    "__postgres.own.relations",
    '"__postgres"."catalog"."pg_class"',
    "duckdb_settings",
    *INTERNAL_VIEWS,
    *("system.main.duckdb_settings", "main.duckdb_databases", "temp.main.sqlite_master"),
    HIDDEN,
    f"hitparade.{HIDDEN}",
    "staging.stg_tracks",
    "memory.main.x",
    "raw.sources",
    "query('from ml.champions')",
    "query_table('features.feat_hit')",
    "histogram('features.feat_hit', 'energy')",
    "histogram_values('features.feat_hit', energy)",
    "json_execute_serialized_sql('{}')",
    "seq_scan('features.feat_hit')",
    "test_all_types()",
    "python_map_function(1)",
    "pandas_scan(1::bigint)",
    "arrow_scan(1::bigint, 2::bigint, 3::bigint)",
]


def statements() -> list[str]:
    """Return all statements, each once."""
    tables = [f"{name}('{FILES[0]}')" for name in FILE_FUNCTIONS]
    tables += [f"{name}()" for name in SETTINGS_FUNCTIONS]
    tables += [f"'{file}'" for file in FILES]
    tables += NAMES
    found = [f"select * from {table}" for table in tables]
    some = ["read_text('/etc/passwd')", "duckdb_settings()", "duckdb_databases", HIDDEN]
    found += [place.format(table) for place in TABLE_PLACES for table in some]
    found += [place.format(function) for place in EXPRESSION_PLACES for function in FUNCTIONS]
    found += [f"with {name} as (select 1) select * from {name}" for name in INTERNAL_VIEWS]
    found += CHANGES
    return list(dict.fromkeys(found))
