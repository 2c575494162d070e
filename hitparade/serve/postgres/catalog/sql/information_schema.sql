-- information_schema, from the tables of pg_catalog.
create temp table names as
select (select name from own.databases) as database;

-- The types of columns, arguments and results in the words of information_schema.
create temp table type_words as
select
    type.oid,
    case when type.typcategory = 'A' and type.typlen = -1 then 'ARRAY'
        when type.typtype = 'c' then 'USER-DEFINED'
        else named.name end as data_type,
    namespace.nspname as udt_schema, type.typname as udt_name,
    case when type.oid in (25, 1042, 1043) then 1073741824 end as character_octet_length,
    case type.oid when 21 then 16 when 23 then 32 when 20 then 64 when 700 then 24 when 701 then 53
    end as numeric_precision,
    case when type.oid in (20, 21, 23, 700, 701) then 2 when type.oid = 1700 then 10
    end as numeric_precision_radix,
    case when type.oid in (20, 21, 23) then 0 end as numeric_scale,
    case when type.oid = 1082 then 0 when type.oid in (1083, 1114, 1184, 1186, 1266) then 6
    end as datetime_precision
from catalog.pg_type as type
join catalog.pg_namespace as namespace on namespace.oid = type.typnamespace
left join own.type_names as named on named.oid = type.oid;

insert into information.information_schema_catalog_name select database from names;

insert into information.schemata by name
select names.database as catalog_name, nspname as schema_name, 'hitparade' as schema_owner
from catalog.pg_namespace
cross join names;

create temp table listed as
select
    class.oid, names.database as table_catalog, namespace.nspname as table_schema,
    class.relname as table_name, class.relkind, relations.definition
from catalog.pg_class as class
join catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
left join own.relations on relations.oid = class.oid
cross join names
where class.relkind in ('r', 'v') and class.relacl is not null;

insert into information.tables by name
select
    table_catalog, table_schema, table_name,
    if(relkind = 'v', 'VIEW', 'BASE TABLE') as table_type, 'NO' as is_insertable_into,
    'NO' as is_typed
from listed;

insert into information.views by name
select
    table_catalog, table_schema, table_name, definition as view_definition, 'NONE' as check_option,
    'NO' as is_updatable, 'NO' as is_insertable_into, 'NO' as is_trigger_updatable,
    'NO' as is_trigger_deletable, 'NO' as is_trigger_insertable_into
from listed
where relkind = 'v';

insert into information.columns by name
select
    table_catalog, table_schema, table_name, attname as column_name, attnum as ordinal_position,
    if(attnotnull, 'NO', 'YES') as is_nullable,
    if(domain.typtype = 'd', base.data_type, word.data_type) as data_type,
    word.character_octet_length,
    coalesce(word.numeric_precision, if(atttypid = 1700 and atttypmod > 0, (atttypmod - 4) >> 16, null)) as numeric_precision,
    word.numeric_precision_radix,
    coalesce(word.numeric_scale, if(atttypid = 1700 and atttypmod > 0, (atttypmod - 4) & 65535, null)) as numeric_scale,
    word.datetime_precision,
    if(domain.typtype = 'd', table_catalog, null) as domain_catalog,
    if(domain.typtype = 'd', word.udt_schema, null) as domain_schema,
    if(domain.typtype = 'd', word.udt_name, null) as domain_name,
    table_catalog as udt_catalog, coalesce(base.udt_schema, word.udt_schema) as udt_schema,
    coalesce(base.udt_name, word.udt_name) as udt_name, attnum::varchar as dtd_identifier,
    'NO' as is_self_referencing, 'NO' as is_identity, 'NO' as identity_cycle,
    'NEVER' as is_generated, 'NO' as is_updatable
from listed
join catalog.pg_attribute as attribute on attribute.attrelid = listed.oid
join catalog.pg_type as domain on domain.oid = attribute.atttypid
join type_words as word on word.oid = attribute.atttypid
left join type_words as base on base.oid = domain.typbasetype and domain.typtype = 'd';

insert into information.element_types by name
select
    table_catalog as object_catalog, table_schema as object_schema, table_name as object_name,
    if(relkind = 'v', 'VIEW', 'TABLE') as object_type,
    attnum::varchar as collection_type_identifier, word.data_type, table_catalog as udt_catalog,
    word.udt_schema, word.udt_name, 'a' || attnum as dtd_identifier
from listed
join catalog.pg_attribute as attribute on attribute.attrelid = listed.oid
join catalog.pg_type as type on type.oid = attribute.atttypid
join type_words as word on word.oid = type.typelem
where type.typcategory = 'A';

insert into information.table_constraints by name
select
    names.database as constraint_catalog, relation.schema as constraint_schema,
    keys.name as constraint_name, names.database as table_catalog,
    relation.schema as table_schema, relation.name as table_name,
    case keys.kind when 'p' then 'PRIMARY KEY' when 'u' then 'UNIQUE' else 'FOREIGN KEY'
    end as constraint_type,
    'NO' as is_deferrable, 'NO' as initially_deferred, 'YES' as enforced,
    if(keys.kind = 'u', 'YES', null) as nulls_distinct
from own.keys
join own.relations as relation on relation.oid = keys.relation
cross join names
union all by name
select
    names.database as constraint_catalog, relation.schema as constraint_schema,
    relation.namespace || '_' || relation.oid || '_' || columns.number || '_not_null' as constraint_name,
    names.database as table_catalog, relation.schema as table_schema, relation.name as table_name,
    'CHECK' as constraint_type, 'NO' as is_deferrable, 'NO' as initially_deferred,
    'YES' as enforced
from own.columns
join own.relations as relation on relation.oid = columns.relation
cross join names
where columns.is_required;

insert into information.check_constraints by name
select
    names.database as constraint_catalog, relation.schema as constraint_schema,
    relation.namespace || '_' || relation.oid || '_' || columns.number || '_not_null' as constraint_name,
    columns.name || ' IS NOT NULL' as check_clause
from own.columns
join own.relations as relation on relation.oid = columns.relation
cross join names
where columns.is_required;

insert into information.key_column_usage by name
select
    names.database as constraint_catalog, relation.schema as constraint_schema,
    keys.name as constraint_name, names.database as table_catalog,
    relation.schema as table_schema, relation.name as table_name,
    unnest(keys.column_names) as column_name,
    unnest(range(1, len(keys.columns) + 1)) as ordinal_position,
    if(keys.kind = 'f', 1, null) as position_in_unique_constraint
from own.keys
join own.relations as relation on relation.oid = keys.relation
cross join names;

insert into information.referential_constraints by name
select
    names.database as constraint_catalog, relation.schema as constraint_schema,
    keys.name as constraint_name, names.database as unique_constraint_catalog,
    target.schema as unique_constraint_schema, unique_key.name as unique_constraint_name,
    'NONE' as match_option, 'NO ACTION' as update_rule, 'NO ACTION' as delete_rule
from own.keys
join own.relations as relation on relation.oid = keys.relation
join own.relations as target on target.oid = keys.target
join own.keys as unique_key on unique_key.index = keys.index and unique_key.kind <> 'f'
cross join names
where keys.kind = 'f';

insert into information.constraint_column_usage by name
select
    names.database as table_catalog, shown.schema as table_schema, shown.name as table_name,
    unnest(coalesce(keys.target_names, keys.column_names)) as column_name,
    names.database as constraint_catalog, relation.schema as constraint_schema,
    keys.name as constraint_name
from own.keys
join own.relations as relation on relation.oid = keys.relation
join own.relations as shown on shown.oid = if(keys.kind = 'f', keys.target, keys.relation)
cross join names;

insert into information.constraint_table_usage by name
select distinct
    table_catalog, table_schema, table_name, constraint_catalog, constraint_schema, constraint_name
from information.constraint_column_usage;

create temp table grantees as
select 'hitparade' as grantee
union all
select 'PUBLIC';

insert into information.table_privileges by name
select
    'hitparade' as grantor, grantee, table_catalog, table_schema, table_name,
    'SELECT' as privilege_type, 'NO' as is_grantable, 'YES' as with_hierarchy
from listed
cross join grantees;

insert into information.column_privileges by name
select
    'hitparade' as grantor, grantee, table_catalog, table_schema, table_name, column_name,
    'SELECT' as privilege_type, 'NO' as is_grantable
from information.columns
cross join grantees;

insert into information.character_sets by name
select
    'UTF8' as character_set_name, 'UCS' as character_repertoire, 'UTF8' as form_of_use,
    database as default_collate_catalog
from names;

insert into information.collations by name
select
    names.database as collation_catalog, 'pg_catalog' as collation_schema,
    collname as collation_name, 'NO PAD' as pad_attribute
from catalog.pg_collation
cross join names;

insert into information.routines by name
select
    names.database as specific_catalog, functions.schema as specific_schema,
    functions.name || '_' || functions.oid as specific_name, names.database as routine_catalog,
    functions.schema as routine_schema, functions.name as routine_name,
    'FUNCTION' as routine_type, word.data_type, names.database as type_udt_catalog,
    word.udt_schema as type_udt_schema, word.udt_name as type_udt_name, '0' as dtd_identifier,
    'SQL' as routine_body, functions.body as routine_definition, 'SQL' as external_language,
    'GENERAL' as parameter_style, 'NO' as is_deterministic, 'READS' as sql_data_access,
    'NO' as is_null_call, 'YES' as schema_level_routine, 0 as max_dynamic_result_sets,
    'INVOKER' as security_type, 'NO' as as_locator, 'NO' as is_udt_dependent
from own.functions
join type_words as word on word.oid = functions.result
cross join names;

insert into information.parameters by name
with arguments as (
    select *, unnest(arguments) as argument, unnest(types) as type,
        unnest(range(1, len(arguments) + 1)) as place
    from own.functions
)

select
    names.database as specific_catalog, arguments.schema as specific_schema,
    arguments.name || '_' || arguments.oid as specific_name, place as ordinal_position,
    'IN' as parameter_mode, 'NO' as is_result, 'NO' as as_locator, argument as parameter_name,
    word.data_type, names.database as udt_catalog, word.udt_schema, word.udt_name,
    place::varchar as dtd_identifier
from arguments
join type_words as word on word.oid = arguments.type
cross join names;

drop table names;
drop table listed;
drop table grantees;
drop table type_words;
