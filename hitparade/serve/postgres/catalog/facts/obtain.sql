-- The CSV files of this folder: facts about PostgreSQL's own catalogs, read from PostgreSQL 15.
-- Run it in this folder on a new cluster whose superuser is named hitparade:
--   psql -U hitparade -d postgres -f obtain.sql

-- Each relation of pg_catalog and information_schema, with its columns in order. A column is
-- name:type, and ! marks NOT NULL.
create temp view relations as
select
    namespace.nspname as schema, class.relname as name, class.oid, class.relkind as kind,
    -- Whether all may read it, or some of its columns.
    exists (select from aclexplode(class.relacl) where grantee = 0)
    or exists (
        select from pg_attribute as column_ where column_.attrelid = class.oid and column_.attacl is not null
    ) as is_public,
    string_agg(
        attribute.attname || ':' || type.typname || case when attribute.attnotnull then '!' else '' end,
        ' ' order by attribute.attnum
    ) as columns
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum > 0
join pg_type as type on type.oid = attribute.atttypid
where namespace.nspname in ('pg_catalog', 'information_schema') and class.relkind in ('r', 'v')
group by 1, 2, 3, 4, 5;

-- Types, without those of the rows of relations.
create temp view types as
select type.*
from pg_type as type
left join pg_type as element on element.oid = type.typelem
where type.typrelid = 0 and coalesce(element.typrelid, 0) = 0;

-- The functions that read, write and cast the values of these types.
create temp view functions as
select function.*
from pg_proc as function
where exists (
    select from types
    where function.oid in (typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze,
        typsubscript)
)
or function.oid in (select castfunc from pg_cast);

-- Settings that clients ask for, with their defaults.
create temp view settings as
select name, boot_val as setting, unit, context, vartype, enumvals
from pg_settings
where name in (
    'application_name', 'array_nulls', 'block_size', 'bytea_output', 'client_encoding',
    'check_function_bodies', 'client_min_messages', 'cursor_tuple_fraction', 'DateStyle',
    'default_table_access_method', 'default_tablespace', 'default_text_search_config',
    'default_toast_compression', 'password_encryption', 'plan_cache_mode',
    'default_transaction_deferrable', 'default_transaction_isolation',
    'default_transaction_read_only', 'escape_string_warning', 'extra_float_digits',
    'idle_in_transaction_session_timeout', 'in_hot_standby', 'integer_datetimes',
    'IntervalStyle', 'is_superuser', 'jit', 'lc_collate', 'lc_ctype', 'lc_messages', 'lc_monetary',
    'lc_numeric', 'lc_time', 'lock_timeout', 'max_connections', 'max_function_args',
    'max_identifier_length', 'max_index_keys', 'quote_all_identifiers', 'row_security',
    'search_path', 'server_encoding', 'server_version', 'server_version_num',
    'session_authorization', 'ssl', 'standard_conforming_strings', 'statement_timeout', 'TimeZone',
    'transaction_deferrable', 'transaction_isolation', 'transaction_read_only', 'wal_level',
    'xmlbinary', 'xmloption'
);

\copy (select * from relations order by schema, name) to 'relations.csv' (format csv, header)
\copy (select * from types order by oid) to 'types.csv' (format csv, header)
\copy (select oid, format_type(oid, null) as name from types order by oid) to 'type_names.csv' (format csv, header)
\copy (select * from functions order by oid) to 'functions.csv' (format csv, header)
\copy (select * from settings order by name collate "C") to 'settings.csv' (format csv, header)
\copy (select * from pg_range order by rngtypid) to 'pg_range.csv' (format csv, header)
\copy (select * from pg_opclass order by oid) to 'pg_opclass.csv' (format csv, header)
\copy (select * from pg_cast order by oid) to 'pg_cast.csv' (format csv, header)
\copy (select * from pg_am order by oid) to 'pg_am.csv' (format csv, header)
\copy (select * from pg_language where lanname <> 'plpgsql' order by oid) to 'pg_language.csv' (format csv, header)
\copy (select * from pg_collation where oid < 12341 order by oid) to 'pg_collation.csv' (format csv, header)
\copy (select * from pg_tablespace order by oid) to 'pg_tablespace.csv' (format csv, header)
\copy (select word, catcode, barelabel, catdesc, baredesc from pg_get_keywords() order by word) to 'keywords.csv' (format csv, header)
