-- What the file has, in the words of PostgreSQL. Filled by create.py.
create schema own;
create table own.databases (oid bigint, name varchar);
create table own.users (oid bigint, name varchar);
create table own.schemas (oid bigint, name varchar, place integer);
create table own.relations (
    oid bigint, type bigint, array_type bigint, namespace bigint, schema varchar, name varchar,
    kind varchar, comment varchar, tuples float, definition varchar
);
create table own.columns (
    relation bigint, number smallint, name varchar, type bigint, modifier integer,
    is_required boolean, comment varchar
);
create table own.functions (
    oid bigint, schema varchar, name varchar, arguments varchar[], types bigint[],
    result bigint, is_table boolean, body varchar, comment varchar
);
create table own.keys (
    oid bigint, index bigint, relation bigint, namespace bigint, kind varchar, name varchar,
    columns smallint[], column_names varchar[],
    target bigint, target_columns smallint[], target_names varchar[]
);
create table own.sizes (__bytes bigint);
