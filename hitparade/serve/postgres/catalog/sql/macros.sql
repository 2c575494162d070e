-- PostgreSQL's functions about the catalogs. Those that depend on the session get its values as
-- further arguments, from functions.py: path is the list of schemas of the search path.
--
-- A macro's argument may be a column of the caller. So what a macro reads has columns that no
-- caller has: their names begin with two underscores.
insert into own.type_names
select type, if(schema = 'main', name, schema || '.' || name) from own.relations
union all
select array_type, if(schema = 'main', name, schema || '.' || name) || '[]' from own.relations;

create table own.lookup_types as
select oid as __oid, name as __name from own.type_names;

create table own.lookup_type_names as
select oid as __oid, name as __name from own.type_names
union
select oid, typname from catalog.pg_type where typnamespace in (11, 13207)
union
select type, schema || '.' || name from own.relations
union
select oid, alias
from (
    values (23, 'int'), (1700, 'decimal'), (701, 'float'), (1043, 'varchar'), (1042, 'char'),
        (1114, 'timestamp'), (1083, 'time'), (1184, 'timestamptz'), (1042, 'character')
) as aliases(oid, alias);

create table own.lookup_relations as
select class.oid as __oid, namespace.nspname as __schema, class.relname as __name
from catalog.pg_class as class
join catalog.pg_namespace as namespace on namespace.oid = class.relnamespace;

create table own.lookup_type_schemas as
select type.oid as __oid, namespace.nspname as __schema
from catalog.pg_type as type
join catalog.pg_namespace as namespace on namespace.oid = type.typnamespace;

create table own.lookup_namespaces as
select oid as __oid, nspname as __name from catalog.pg_namespace;

create table own.lookup_roles as
select oid as __oid, rolname as __name from catalog.pg_authid;

create table own.lookup_descriptions as
select objoid as __object, relname as __class, objsubid as __part, description as __text
from catalog.pg_description
join catalog.pg_class on pg_class.oid = classoid;

create table own.lookup_views as
select oid as __oid, rtrim(regexp_replace(definition, '^CREATE VIEW .*? AS ', ''), chr(10)) as __text
from own.relations
where kind = 'v';

create table own.lookup_keywords as
select word as __word from own.keywords where catcode <> 'U';

create macro catalog.quote_ident(name) as case
    when regexp_full_match(name, '[a-z_][a-z0-9_$]*')
        and not exists (select 1 from __postgres.own.lookup_keywords where __word = name) then name
    else '"' || replace(name, '"', '""') || '"'
end;

create macro catalog.quote_literal(value) as '''' || replace(value::varchar, '''', '''''') || '''';

create macro catalog.quote_nullable(value) as
coalesce('''' || replace(value::varchar, '''', '''''') || '''', 'NULL');

create table own.lookup_functions as
with named as (
    select functions.*,
        list_transform(types, lambda type: map(ids.oids, ids.names)[type]) as type_names,
        map(ids.oids, ids.names)[result] as result_name
    from own.functions
    cross join (select list(oid) as oids, list(name) as names from own.type_names) as ids
)

select
    oid as __oid, schema as __schema, name as __name,
    array_to_string(list_transform(arguments, lambda argument, place:
        argument || ' ' || type_names[place]), ', ') as __arguments,
    array_to_string(type_names, ', ') as __types,
    if(is_table, 'SETOF record', result_name) as __result,
    body as __body
from named
union all
select proc.oid, 'pg_catalog', proname, '', '', named.name, prosrc
from catalog.pg_proc as proc
left join own.type_names as named on named.oid = proc.prorettype
where proc.pronamespace = 11;

create table own.lookup_indexes as
select
    keys.index as __oid, keys.name as __name, relations.schema as __schema,
    relations.name as __table, keys.column_names as __columns
from own.keys
join own.relations on relations.oid = keys.relation
where keys.kind <> 'f';

create table own.lookup_constraints as
select
    keys.oid as __oid,
    case keys.kind when 'p' then 'PRIMARY KEY' when 'u' then 'UNIQUE' else 'FOREIGN KEY' end
    || ' (' || array_to_string(keys.column_names, ', ') || ')' as __text,
    target.schema as __schema,
    target.name || '(' || array_to_string(keys.target_names, ', ') || ')' as __target
from own.keys
left join own.relations as target on target.oid = keys.target;

-- Types.
create macro catalog.format_type(id, modifier) as case
    when id is null then null
    when id::bigint = 0 then '-'
    when modifier >= 4 and id::bigint in (1700, 1231) then format(
        'numeric({},{}){}', (modifier - 4) >> 16, (modifier - 4) & 65535,
        if(id::bigint = 1231, '[]', '')
    )
    when modifier >= 4 and id::bigint in (1043, 1015, 1042, 1014) then format(
        '{}({}){}', if(id::bigint in (1043, 1015), 'character varying', 'character'), modifier - 4,
        if(id::bigint in (1015, 1014), '[]', '')
    )
    else coalesce(
        (select any_value(__name) from __postgres.own.lookup_types where __oid = id::bigint), '???'
    )
end;

-- Names of objects and their ids: the types regclass, regtype and so on.
create macro catalog.name_of(name) as
string_split(replace(if(contains(name::varchar, '"'), name::varchar, lower(name::varchar)), '"', ''), '.')[-1];

create macro catalog.schema_of(name) as
string_split(replace(if(contains(name::varchar, '"'), name::varchar, lower(name::varchar)), '"', ''), '.')[-2];

create macro catalog.to_regclass(name, path) as coalesce(
    try_cast(name as bigint),
    (
        select arg_min(__oid, coalesce(list_position(['pg_catalog'] || path, __schema), 0))
        from __postgres.own.lookup_relations
        where __name = __postgres.catalog.name_of(name)
            and if(
                __postgres.catalog.schema_of(name) is null,
                list_contains(['pg_catalog'] || path, __schema),
                __schema = __postgres.catalog.schema_of(name)
            )
    )
);

create macro catalog.regclass_in(name, path) as case when name is not null then coalesce(
    __postgres.catalog.to_regclass(name, path),
    if(name::varchar = '-', 0, null),
    error('relation "' || name || '" does not exist')::bigint
) end;

create macro catalog.regclass_out(id, path) as case when id is not null then coalesce(
    (
        select any_value(
            if(list_contains(['pg_catalog'] || path, __schema), '', __schema || '.') || __name
        )
        from __postgres.own.lookup_relations
        where __oid = id::bigint
    ),
    if(id::bigint = 0, '-', id::varchar)
) end;

create macro catalog.to_regtype(name) as coalesce(
    try_cast(name as bigint),
    (
        select min(__oid)
        from __postgres.own.lookup_type_names
        where __name = regexp_replace(replace(lower(name::varchar), '"', ''), '^pg_catalog\.', '')
    )
);

create macro catalog.regtype_in(name) as case when name is not null then coalesce(
    __postgres.catalog.to_regtype(name),
    if(name::varchar = '-', 0, null),
    error('type "' || name || '" does not exist')::bigint
) end;

create macro catalog.regtype_out(id) as __postgres.catalog.format_type(id, null);

create macro catalog.to_regproc(name) as coalesce(
    try_cast(name as bigint),
    (
        select min(__oid)
        from __postgres.own.lookup_functions
        where __name = __postgres.catalog.name_of(string_split(name::varchar, '(')[1])
            and coalesce(
                __schema = __postgres.catalog.schema_of(string_split(name::varchar, '(')[1]), true
            )
    )
);

create macro catalog.regproc_in(name) as case when name is not null then coalesce(
    __postgres.catalog.to_regproc(name),
    if(name::varchar = '-', 0, null),
    error('function "' || name || '" does not exist')::bigint
) end;

create macro catalog.regproc_out(id, path) as case when id is not null then coalesce(
    (
        select any_value(
            if(list_contains(['pg_catalog'] || path, __schema), '', __schema || '.') || __name
        )
        from __postgres.own.lookup_functions
        where __oid = id::bigint
    ),
    if(id::bigint = 0, '-', id::varchar)
) end;

create macro catalog.regprocedure_out(id, path) as case when id is not null then coalesce(
    (
        select any_value(
            if(list_contains(['pg_catalog'] || path, __schema), '', __schema || '.')
            || __name || '(' || replace(__types, ', ', ',') || ')'
        )
        from __postgres.own.lookup_functions
        where __oid = id::bigint
    ),
    if(id::bigint = 0, '-', id::varchar)
) end;

create macro catalog.to_regnamespace(name) as coalesce(
    try_cast(name as bigint),
    (
        select any_value(__oid)
        from __postgres.own.lookup_namespaces
        where __name = replace(name::varchar, '"', '')
    )
);

create macro catalog.regnamespace_in(name) as case when name is not null then coalesce(
    __postgres.catalog.to_regnamespace(name),
    error('schema "' || name || '" does not exist')::bigint
) end;

create macro catalog.regnamespace_out(id) as case when id is not null then coalesce(
    (select any_value(__name) from __postgres.own.lookup_namespaces where __oid = id::bigint),
    if(id::bigint = 0, '-', id::varchar)
) end;

create macro catalog.to_regrole(name) as coalesce(
    try_cast(name as bigint),
    (
        select any_value(__oid)
        from __postgres.own.lookup_roles
        where __name = replace(name::varchar, '"', '')
    )
);

create macro catalog.regrole_in(name) as case when name is not null then coalesce(
    __postgres.catalog.to_regrole(name),
    error('role "' || name || '" does not exist')::bigint
) end;

create macro catalog.regrole_out(id) as case when id is not null then coalesce(
    (select any_value(__name) from __postgres.own.lookup_roles where __oid = id::bigint),
    if(id::bigint = 0, '-', id::varchar)
) end;

create macro catalog.pg_get_userbyid(id) as case when id is not null then coalesce(
    (select any_value(__name) from __postgres.own.lookup_roles where __oid = id::bigint),
    'unknown (OID=' || id || ')'
) end;

-- What is visible without its schema.
create macro catalog.pg_table_is_visible(id, path) as (
    select any_value(list_contains(['pg_catalog'] || path, __schema))
    from __postgres.own.lookup_relations
    where __oid = id::bigint
);

create macro catalog.pg_type_is_visible(id, path) as (
    select any_value(list_contains(['pg_catalog'] || path, __schema))
    from __postgres.own.lookup_type_schemas
    where __oid = id::bigint
);

create macro catalog.pg_function_is_visible(id, path) as (
    select any_value(list_contains(['pg_catalog'] || path, __schema))
    from __postgres.own.lookup_functions
    where __oid = id::bigint
);

-- Definitions.
create macro catalog.pg_get_expr(tree, relation) as null::varchar,
(tree, relation, pretty) as null::varchar;

create macro catalog.pg_get_viewdef(id) as
(select any_value(__text) from __postgres.own.lookup_views where __oid = id::bigint),
(id, pretty) as
(select any_value(__text) from __postgres.own.lookup_views where __oid = id::bigint);

create macro catalog.qualified(schema, name, is_always, path) as
if(not is_always and list_contains(path, schema), '', schema || '.') || name;

create macro catalog.pg_get_indexdef(id, path) as (
    select any_value(
        'CREATE UNIQUE INDEX ' || __name || ' ON ' || __schema || '.' || __table
        || ' USING btree (' || array_to_string(__columns, ', ') || ')'
    )
    from __postgres.own.lookup_indexes
    where __oid = id::bigint
),
(id, place, pretty, path) as (
    select any_value(if(
        place = 0,
        'CREATE UNIQUE INDEX ' || __name || ' ON '
        || __postgres.catalog.qualified(__schema, __table, not pretty, path)
        || ' USING btree (' || array_to_string(__columns, ', ') || ')',
        __columns[place::bigint]
    ))
    from __postgres.own.lookup_indexes
    where __oid = id::bigint
);

create macro catalog.pg_get_constraintdef(id, path) as (
    select any_value(
        __text || coalesce(' REFERENCES ' || __schema || '.' || __target, '')
    )
    from __postgres.own.lookup_constraints
    where __oid = id::bigint
),
(id, pretty, path) as (
    select any_value(
        __text || coalesce(
            ' REFERENCES ' || __postgres.catalog.qualified(__schema, __target, not pretty, path), ''
        )
    )
    from __postgres.own.lookup_constraints
    where __oid = id::bigint
);

create macro catalog.pg_get_function_arguments(id) as
(select any_value(__arguments) from __postgres.own.lookup_functions where __oid = id::bigint);

create macro catalog.pg_get_function_identity_arguments(id) as
(select any_value(__arguments) from __postgres.own.lookup_functions where __oid = id::bigint);

create macro catalog.pg_get_function_result(id) as
(select any_value(__result) from __postgres.own.lookup_functions where __oid = id::bigint);

create macro catalog.pg_get_functiondef(id) as (
    select any_value(
        'CREATE OR REPLACE FUNCTION ' || __schema || '.' || __name || '(' || __arguments
        || ')' || chr(10) || ' RETURNS ' || __result || chr(10) || ' LANGUAGE sql' || chr(10)
        || 'AS $function$' || __body || '$function$' || chr(10)
    )
    from __postgres.own.lookup_functions
    where __oid = id::bigint
);

create macro catalog.pg_get_function_arg_default(id, place) as null::varchar;
create macro catalog.pg_get_function_sqlbody(id) as null::varchar;
create macro catalog.pg_get_partkeydef(id) as null::varchar;
create macro catalog.pg_get_partition_constraintdef(id) as null::varchar;
create macro catalog.pg_get_ruledef(id) as null::varchar, (id, pretty) as null::varchar;
create macro catalog.pg_get_triggerdef(id) as null::varchar, (id, pretty) as null::varchar;
create macro catalog.pg_get_statisticsobjdef(id) as null::varchar;
create macro catalog.pg_get_statisticsobjdef_columns(id) as null::varchar;
create macro catalog.pg_get_serial_sequence(relation, name) as null::varchar;
create macro catalog.pg_get_replica_identity_index(id) as null::bigint;
create macro catalog.pg_describe_object(class, id, part) as __postgres.catalog.obj_description(id);

-- Comments.
create macro catalog.obj_description(id) as (
    select any_value(__text)
    from __postgres.own.lookup_descriptions
    where __object = id::bigint and __part = 0
),
(id, class) as (
    select any_value(__text)
    from __postgres.own.lookup_descriptions
    where __object = id::bigint and __part = 0 and __class = class
);

create macro catalog.col_description(id, place) as (
    select any_value(__text)
    from __postgres.own.lookup_descriptions
    where __object = id::bigint and __part = place and __class = 'pg_class'
);

create macro catalog.shobj_description(id, class) as null::varchar;

-- Privileges: all may read what is shown, and none may change it.
create macro catalog.may(privilege, words) as
len(list_intersect(list_transform(string_split(lower(privilege), ','), lambda word: trim(word)), words)) > 0;

create macro catalog.has_table_privilege(object, privilege) as
__postgres.catalog.may(privilege, ['select']),
(role, object, privilege) as __postgres.catalog.may(privilege, ['select']);

create macro catalog.has_any_column_privilege(object, privilege) as
__postgres.catalog.may(privilege, ['select']),
(role, object, privilege) as __postgres.catalog.may(privilege, ['select']);

create macro catalog.has_column_privilege(object, name, privilege) as
__postgres.catalog.may(privilege, ['select']),
(role, object, name, privilege) as __postgres.catalog.may(privilege, ['select']);

create macro catalog.has_schema_privilege(object, privilege) as
__postgres.catalog.may(privilege, ['usage']),
(role, object, privilege) as __postgres.catalog.may(privilege, ['usage']);

create macro catalog.has_database_privilege(object, privilege) as
__postgres.catalog.may(privilege, ['connect']),
(role, object, privilege) as __postgres.catalog.may(privilege, ['connect']);

create macro catalog.has_function_privilege(object, privilege) as
__postgres.catalog.may(privilege, ['execute']),
(role, object, privilege) as __postgres.catalog.may(privilege, ['execute']);

create macro catalog.has_type_privilege(object, privilege) as
__postgres.catalog.may(privilege, ['usage']),
(role, object, privilege) as __postgres.catalog.may(privilege, ['usage']);

create macro catalog.has_language_privilege(object, privilege) as false,
(role, object, privilege) as false;

create macro catalog.has_tablespace_privilege(object, privilege) as false,
(role, object, privilege) as false;

create macro catalog.has_sequence_privilege(object, privilege) as false,
(role, object, privilege) as false;

create macro catalog.has_foreign_data_wrapper_privilege(object, privilege) as false,
(role, object, privilege) as false;

create macro catalog.has_server_privilege(object, privilege) as false,
(role, object, privilege) as false;

create macro catalog.pg_relation_is_updatable(id, triggers) as 0;
create macro catalog.pg_column_is_updatable(id, place, triggers) as false;
create macro catalog.pg_relation_is_publishable(id) as false;

-- The server.
create macro catalog.pg_encoding_to_char(id) as if(id = 6, 'UTF8', '');
create macro catalog.pg_char_to_encoding(name) as if(upper(name) in ('UTF8', 'UTF-8'), 6, -1);
create macro catalog.pg_is_in_recovery() as false;
create macro catalog.pg_is_wal_replay_paused() as false;
create macro catalog.pg_my_temp_schema() as 0::bigint;
create macro catalog.pg_is_other_temp_schema(id) as false;
create macro catalog.pg_client_encoding() as 'UTF8';
create macro catalog.getdatabaseencoding() as 'UTF8';
create macro catalog.inet_server_addr() as null::varchar;
create macro catalog.inet_server_port() as null::integer;
create macro catalog.inet_client_addr() as null::varchar;
create macro catalog.inet_client_port() as null::integer;
create macro catalog.txid_current() as 3::bigint;
create macro catalog.pg_current_xact_id() as 3::bigint;
create macro catalog.pg_blocking_pids(pid) as []::integer[];
create macro catalog.pg_sequence_last_value(id) as null::bigint;

create table own.started as select now() as __at;
create macro catalog.pg_postmaster_start_time() as (select any_value(__at) from __postgres.own.started);
create macro catalog.pg_conf_load_time() as (select any_value(__at) from __postgres.own.started);

-- Sizes of single tables are unknown: DuckDB compresses whole files.
create macro catalog.pg_relation_size(id) as null::bigint, (id, fork) as null::bigint;
create macro catalog.pg_table_size(id) as null::bigint;
create macro catalog.pg_indexes_size(id) as null::bigint;
create macro catalog.pg_total_relation_size(id) as null::bigint;
create macro catalog.pg_tablespace_size(id) as null::bigint;
create macro catalog.pg_database_size(id) as (select any_value(__bytes) from __postgres.own.sizes);
create macro catalog.pg_tablespace_location(id) as '';
create macro catalog.pg_relation_filenode(id) as null::bigint;
create macro catalog.pg_relation_filepath(id) as null::varchar;
create macro catalog.pg_stat_get_live_tuples(id) as null::bigint;
create macro catalog.pg_stat_get_numscans(id) as 0::bigint;
create macro catalog.pg_stat_get_dead_tuples(id) as 0::bigint;

create macro catalog.pg_size_pretty(size) as case
    when abs(size) < 10 * 1024 then size || ' bytes'
    when abs(size) < 20 * 1024 * 1024 // 2 - 512 then ((size + 512) // 1024) || ' kB'
    when abs(size) < 10::bigint * 1024 * 1024 * 1024 then ((size + 524288) // 1048576) || ' MB'
    else ((size + 536870912) // 1073741824) || ' GB'
end;

-- Arrays.
create macro catalog.array_upper(list, dimension) as nullif(len(list), 0);
create macro catalog.array_lower(list, dimension) as if(len(list) > 0, 1, null);
create macro catalog.array_length(list, dimension) as nullif(len(list), 0);
create macro catalog.array_ndims(list) as if(len(list) > 0, 1, null);
create macro catalog.cardinality(list) as len(list);

create macro catalog.array_remove(list, value) as
list_filter(list, lambda member: member is distinct from value);

create macro information._pg_expandarray(list) as
unnest(list_transform(list, lambda value, place: {'x': value, 'n': place::integer}));

create macro catalog._pg_expandarray_list(list) as
list_transform(list, lambda value, place: {'x': value, 'n': place::integer});

create macro catalog.pg_partition_ancestors_list(id) as []::bigint[];
create macro catalog.pg_partition_ancestors(id) as unnest([]::bigint[]);

create macro catalog.aclexplode_list(list) as list_transform(list, lambda entry: {
    'grantor': 10::bigint,
    'grantee': if(entry[1] = '=', 0, 10)::bigint,
    'privilege_type': case string_split(string_split(entry, '=')[2], '/')[1]
        when 'r' then 'SELECT' when 'U' then 'USAGE' when 'c' then 'CONNECT' end,
    'is_grantable': false
});
create macro catalog.aclexplode(list) as unnest(__postgres.catalog.aclexplode_list(list));

create macro catalog.parse_ident(name) as list_transform(
    string_split(name, '.'),
    lambda part: if(contains(part, '"'), replace(part, '"', ''), lower(trim(part)))
);

-- Functions that return tables.
create macro catalog.pg_get_keywords() as table
select word, catcode, barelabel, catdesc, baredesc from __postgres.own.keywords;

create macro catalog.pg_show_all_settings() as table from __postgres.catalog.pg_settings;
create macro catalog.pg_listening_channels() as table select null::varchar where false;
create macro catalog.pg_timezone_names() as table from __postgres.catalog.pg_timezone_names;
create macro catalog.pg_available_extensions() as table
select name, default_version, comment from __postgres.catalog.pg_available_extensions;
create macro catalog.pg_opclass_is_visible(id) as true;
create macro catalog.pg_operator_is_visible(id) as true;
create macro catalog.pg_collation_is_visible(id) as true;
create macro catalog.pg_conversion_is_visible(id) as true;
create macro catalog.pg_opfamily_is_visible(id) as true;
create macro catalog.pg_ts_config_is_visible(id) as true;
create macro catalog.pg_ts_dict_is_visible(id) as true;
create macro catalog.pg_ts_parser_is_visible(id) as true;
create macro catalog.pg_ts_template_is_visible(id) as true;
create macro catalog.pg_statistics_obj_is_visible(id) as true;

create macro catalog.first_of(list) as list[1];

create macro catalog.existing(path) as
list_filter(path, lambda schema: list_contains([{schemas}], schema));

-- An array that may be a parameter: clients send it as a list or as a text in braces.
create macro catalog.as_texts(value) as coalesce(
    try_cast(value as varchar[]),
    list_transform(
        string_split(trim(value::varchar, '{}'), ','), lambda member: trim(trim(member), '"')
    )
);
create macro catalog.as_numbers(value) as
list_transform(__postgres.catalog.as_texts(value), lambda member: member::bigint);

-- The session's values, under the names that PostgreSQL gives their columns.
create schema session;
create macro session."current_user"(value) as value;
create macro session."session_user"(value) as value;
create macro session."current_role"(value) as value;
create macro session."user"(value) as value;
create macro session."current_catalog"(value) as value;
create macro session."current_database"(value) as value;
create macro session."current_schema"(value) as value;
create macro session."version"(value) as value;
create macro session."pg_backend_pid"(value) as value;
