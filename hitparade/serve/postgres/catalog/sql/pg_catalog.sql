-- pg_catalog: what the file has, beside the rows of PostgreSQL's own catalogs.
insert into catalog.pg_database by name
select
    oid, name as datname, 10 as datdba, 6 as encoding, 'c' as datlocprovider, true as datallowconn,
    -1 as datconnlimit, 1663 as dattablespace, 'C' as datcollate, 'C' as datctype,
    ['hitparade=c/hitparade', '=c/hitparade'] as datacl
from own.databases;

insert into catalog.pg_authid by name
select
    oid, name as rolname, true as rolinherit, true as rolcanlogin, -1 as rolconnlimit
from own.users;

insert into catalog.pg_roles by name
select
    oid, name as rolname, false as rolsuper, true as rolinherit, false as rolcreaterole,
    false as rolcreatedb, true as rolcanlogin, false as rolreplication, -1 as rolconnlimit,
    '********' as rolpassword, false as rolbypassrls
from own.users;

insert into catalog.pg_user by name
select
    name as usename, oid as usesysid, false as usecreatedb, false as usesuper, false as userepl,
    false as usebypassrls, '********' as passwd
from own.users;

insert into catalog.pg_namespace by name
select 11 as oid, 'pg_catalog' as nspname, 10 as nspowner, ['hitparade=U/hitparade', '=U/hitparade'] as nspacl
union all
select 13207, 'information_schema', 10, ['hitparade=U/hitparade', '=U/hitparade']
union all
select oid, name, 10, ['hitparade=U/hitparade', '=U/hitparade'] from own.schemas;

insert into catalog.pg_type by name
select
    relation.type as oid, name as typname, namespace as typnamespace, 10 as typowner, -1 as typlen,
    'c' as typtype, 'C' as typcategory, true as typisdefined, ',' as typdelim,
    relation.oid as typrelid, relation.array_type as typarray, record.typinput, record.typoutput,
    record.typreceive, record.typsend, 'd' as typalign, 'x' as typstorage, -1 as typtypmod
from own.relations as relation
cross join (from catalog.pg_type where oid = 2249) as record
union all by name
select
    relation.array_type as oid, '_' || name as typname, namespace as typnamespace, 10 as typowner,
    -1 as typlen, 'b' as typtype, 'A' as typcategory, true as typisdefined, ',' as typdelim,
    list.typsubscript, relation.type as typelem, list.typinput, list.typoutput, list.typreceive,
    list.typsend, list.typanalyze, 'd' as typalign, 'x' as typstorage, -1 as typtypmod
from own.relations as relation
cross join (from catalog.pg_type where oid = 1009) as list;

insert into catalog.pg_class by name
select
    oid, name as relname, namespace as relnamespace, type as reltype, 10 as relowner,
    if(kind = 'r', 2, 0) as relam, if(kind = 'r', oid, 0) as relfilenode,
    if(kind = 'r', ceil(tuples / 100), 0) as relpages, if(kind = 'r', tuples, -1) as reltuples,
    oid in (select relation from own.keys where kind <> 'f') as relhasindex,
    'p' as relpersistence, kind as relkind,
    (select count(*) from own.columns where columns.relation = relation.oid) as relnatts,
    -- PostgreSQL checks foreign keys by triggers, and psql looks for them only if this is true.
    oid in (select unnest([relation, target]) from own.keys where kind = 'f') as relhastriggers,
    kind = 'v' as relhasrules, true as relispopulated, if(kind = 'r', 'd', 'n') as relreplident,
    ['hitparade=r/hitparade', '=r/hitparade'] as relacl
from own.relations as relation;

insert into catalog.pg_class by name
select
    index as oid, name as relname, namespace as relnamespace, 10 as relowner, 403 as relam,
    index as relfilenode, 1 as relpages,
    (select tuples from own.relations where relations.oid = keys.relation) as reltuples,
    'p' as relpersistence, 'i' as relkind, len(columns) as relnatts, true as relispopulated,
    'n' as relreplident
from own.keys
where kind <> 'f';

insert into catalog.pg_attribute by name
with columns as (
    select relation, number, name, type, modifier, is_required from own.columns
    union all
    select keys.index, unnest(range(1, len(keys.columns) + 1)), unnest(keys.column_names), null, null, false
    from own.keys
    where keys.kind <> 'f'
),

typed as (
    select columns.* replace (
        coalesce(columns.type, source.type) as type,
        coalesce(columns.modifier, source.modifier) as modifier
    )
    from columns
    left join own.keys on keys.index = columns.relation and keys.kind <> 'f'
    left join own.columns as source
        on source.relation = keys.relation and source.name = columns.name
)

select
    relation as attrelid, name as attname, typed.type as atttypid, -1 as attstattarget,
    type.typlen as attlen, number as attnum, if(type.typcategory = 'A', 1, 0) as attndims,
    -1 as attcacheoff, modifier as atttypmod, type.typbyval as attbyval, type.typalign as attalign,
    type.typstorage as attstorage, is_required as attnotnull, true as attislocal,
    type.typcollation as attcollation
from typed
join catalog.pg_type as type on type.oid = typed.type;

insert into catalog.pg_proc by name
select
    functions.oid, functions.name as proname, schemas.oid as pronamespace, 10 as proowner, 14 as prolang, 100 as procost,
    if(is_table, 1000, 0) as prorows, 'f' as prokind, is_table as proretset, 's' as provolatile,
    'u' as proparallel, len(arguments) as pronargs, result as prorettype, types as proargtypes,
    arguments as proargnames, body as prosrc
from own.functions
join own.schemas on schemas.name = functions.schema;

insert into catalog.pg_description by name
select oid as objoid, 1259 as classoid, 0 as objsubid, rtrim(comment, chr(10)) as description
from own.relations
where comment is not null
union all
select relation, 1259, number, rtrim(comment, chr(10)) from own.columns where comment is not null
union all
select oid, 1255, 0, rtrim(comment, chr(10)) from own.functions where comment is not null;

insert into catalog.pg_constraint by name
select
    oid, name as conname, namespace as connamespace, kind as contype, true as convalidated,
    relation as conrelid, index as conindid, target as confrelid,
    if(kind = 'f', 'a', ' ') as confupdtype, if(kind = 'f', 'a', ' ') as confdeltype,
    if(kind = 'f', 's', ' ') as confmatchtype, true as conislocal, true as connoinherit,
    columns as conkey, target_columns as confkey
from own.keys;

insert into catalog.pg_index by name
select
    keys.index as indexrelid, keys.relation as indrelid, len(keys.columns) as indnatts,
    len(keys.columns) as indnkeyatts, true as indisunique, keys.kind = 'p' as indisprimary,
    true as indimmediate, true as indisvalid, true as indisready, true as indislive,
    keys.columns as indkey,
    list(attribute.attcollation order by attribute.attnum) as indcollation,
    list(coalesce(opclass.oid, 3126) order by attribute.attnum) as indclass,
    list_transform(range(len(keys.columns)), lambda place: 0) as indoption
from own.keys
join catalog.pg_attribute as attribute on attribute.attrelid = keys.index
left join catalog.pg_opclass as opclass
    on opclass.opcintype = attribute.atttypid and opclass.opcmethod = 403 and opclass.opcdefault
where keys.kind <> 'f'
group by all;

insert into catalog.pg_tables by name
select
    namespace.nspname as schemaname, relname as tablename, 'hitparade' as tableowner,
    relhasindex as hasindexes, relhasrules as hasrules, relhastriggers as hastriggers,
    relrowsecurity as rowsecurity
from catalog.pg_class
join catalog.pg_namespace as namespace on namespace.oid = relnamespace
where relkind = 'r';

insert into catalog.pg_views by name
select
    namespace.nspname as schemaname, relname as viewname, 'hitparade' as viewowner, definition
from catalog.pg_class as class
join catalog.pg_namespace as namespace on namespace.oid = relnamespace
left join own.relations on relations.oid = class.oid
where relkind = 'v';

insert into catalog.pg_indexes by name
select
    keys.name as indexname, relation.schema as schemaname, relation.name as tablename,
    'CREATE UNIQUE INDEX ' || keys.name || ' ON ' || relation.schema || '.' || relation.name
    || ' USING btree (' || array_to_string(keys.column_names, ', ') || ')' as indexdef
from own.keys
join own.relations as relation on relation.oid = keys.relation
where keys.kind <> 'f';

insert into catalog.pg_stat_user_tables by name
select
    oid as relid, schema as schemaname, name as relname, tuples::bigint as n_live_tup,
    0 as n_dead_tup, 0 as seq_scan, 0 as seq_tup_read, 0 as n_tup_ins, 0 as n_tup_upd,
    0 as n_tup_del, 0 as n_tup_hot_upd, 0 as n_mod_since_analyze, 0 as n_ins_since_vacuum,
    0 as vacuum_count, 0 as autovacuum_count, 0 as analyze_count, 0 as autoanalyze_count
from own.relations
where kind = 'r';

insert into catalog.pg_stat_all_tables from catalog.pg_stat_user_tables;
