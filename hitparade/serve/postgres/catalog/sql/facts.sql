-- The rows of PostgreSQL's own catalogs, from the files of the folder facts.
create temp table relation_facts as
from read_csv('{facts}/relations.csv', all_varchar = true);

create temp table type_facts as
from read_csv('{facts}/types.csv', all_varchar = true, allow_quoted_nulls = false);

create temp table function_facts as
from read_csv('{facts}/functions.csv', all_varchar = true, allow_quoted_nulls = false);

create temp table function_ids as
select proname as name, oid::bigint as oid from function_facts
union all
select '-', 0;

insert into catalog.pg_type
select facts.* replace (
    typsubscript.oid as typsubscript, typinput.oid as typinput, typoutput.oid as typoutput,
    typreceive.oid as typreceive, typsend.oid as typsend, typmodin.oid as typmodin,
    typmodout.oid as typmodout, typanalyze.oid as typanalyze, null as typacl
)
from type_facts as facts
join function_ids as typsubscript on typsubscript.name = facts.typsubscript
join function_ids as typinput on typinput.name = facts.typinput
join function_ids as typoutput on typoutput.name = facts.typoutput
join function_ids as typreceive on typreceive.name = facts.typreceive
join function_ids as typsend on typsend.name = facts.typsend
join function_ids as typmodin on typmodin.name = facts.typmodin
join function_ids as typmodout on typmodout.name = facts.typmodout
join function_ids as typanalyze on typanalyze.name = facts.typanalyze;

insert into catalog.pg_proc
select * replace (
    0 as prosupport, coalesce(string_split(nullif(proargtypes, ''), ' '), []) as proargtypes,
    null as proallargtypes, null as proargmodes, null as proargnames, null as protrftypes,
    null as proconfig, null as proacl
)
from function_facts;

insert into catalog.pg_range
select * replace (0 as rngcanonical, 0 as rngsubdiff)
from read_csv('{facts}/pg_range.csv', all_varchar = true);

insert into catalog.pg_opclass from read_csv('{facts}/pg_opclass.csv', all_varchar = true);

insert into catalog.pg_cast from read_csv('{facts}/pg_cast.csv', all_varchar = true);

insert into catalog.pg_am
select * replace (0 as amhandler)
from read_csv('{facts}/pg_am.csv', all_varchar = true);

insert into catalog.pg_language
select * replace (null as lanacl)
from read_csv('{facts}/pg_language.csv', all_varchar = true);

insert into catalog.pg_collation from read_csv('{facts}/pg_collation.csv', all_varchar = true);

insert into catalog.pg_tablespace
select * replace (null as spcacl, null as spcoptions)
from read_csv('{facts}/pg_tablespace.csv', all_varchar = true);

insert into catalog.pg_settings by name
select
    name, setting, unit, context, vartype, 'default' as source, setting as boot_val,
    setting as reset_val, false as pending_restart,
    string_split(enumvals[2:-2].replace('"', ''), ',') as enumvals
from read_csv('{facts}/settings.csv', all_varchar = true, allow_quoted_nulls = false);

create table own.type_names as
select oid::bigint as oid, name
from read_csv('{facts}/type_names.csv', all_varchar = true);

create table own.keywords as
from read_csv('{facts}/keywords.csv', all_varchar = true);

insert into catalog.pg_class by name
select
    oid::bigint as oid, name as relname,
    if(schema = 'pg_catalog', 11, 13207) as relnamespace,
    10 as relowner, if(kind = 'r', 2, 0) as relam, if(kind = 'r', oid::bigint, 0) as relfilenode,
    'p' as relpersistence, kind as relkind, len(string_split(columns, ' ')) as relnatts,
    kind = 'v' as relhasrules, true as relispopulated, 'n' as relreplident,
    if(is_public = 't', ['hitparade=r/hitparade', '=r/hitparade'], null) as relacl
from relation_facts;

insert into catalog.pg_attribute by name
with split as (
    select oid::bigint as attrelid, string_split(unnest(string_split(columns, ' ')), ':') as parts,
        unnest(range(1, len(string_split(columns, ' ')) + 1)) as attnum
    from relation_facts
)
select
    split.attrelid, parts[1] as attname, type.oid as atttypid, -1 as attstattarget,
    type.typlen as attlen, split.attnum, if(type.typelem <> 0 and type.typlen = -1, 1, 0) as attndims,
    -1 as attcacheoff, -1 as atttypmod, type.typbyval as attbyval, type.typalign as attalign,
    type.typstorage as attstorage, ends_with(parts[2], '!') as attnotnull, true as attislocal,
    type.typcollation as attcollation
from split
join catalog.pg_type as type on type.typname = rtrim(parts[2], '!') and type.typnamespace in (11, 13207);
