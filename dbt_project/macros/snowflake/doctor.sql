{#- Print the state of the account as one JSON object per line: name, found, and the next step if something is missing.
    `hitparade doctor --target snowflake` shows it.

        dbt --quiet run-operation doctor --target snowflake --args '{code: 0123456789abcdef}'
-#}
{% macro doctor(code) -%}
    {%- set session = rows_of(
        "select current_version(), current_role(), current_warehouse(), current_database()"
    )[0] -%}
    {{ print_check("connection", "Snowflake " ~ session[0]) }}
    {%- for name, given in [('role', target.role), ('warehouse', target.warehouse), ('database', target.database)] -%}
        {%- set found = session[loop.index] -%}
        {{ print_check(
            name, found or "none",
            "" if found and found | lower == given | lower
            else "the profile names " ~ given ~ ", which does not exist or is not granted: see docs/snowflake/setup.sql"
        ) }}
    {%- endfor -%}
    {%- set stages = [] -%}
    {%- for stage in rows_of("show stages in database " ~ target.database) -%}
        {%- do stages.append((stage[3] ~ '.' ~ stage[1]) | lower) -%}
    {%- endfor -%}
    {%- set missing = ['raw.files', 'ml.code', 'ml.models'] | reject('in', stages) | list -%}
    {{ print_check(
        "stages", stages | join(', ') or "none",
        "lacks " ~ missing | join(', ') ~ ": run `hitparade load`" if missing else ""
    ) }}
    {%- if 'ml.code' in stages -%}
        {{ print_check_of_code(code) }}
    {%- endif -%}
    {{ print_check_of_packages() }}
{%- endmacro %}

{#- Whether the code on its stage is that of this project. -#}
{% macro print_check_of_code(code) -%}
    {%- set is_loaded = adapter.get_relation(target.database, 'ml', 'loaded_code') is not none -%}
    {%- set found = rows_of("select fingerprint from " ~ loaded_code()) if is_loaded else [] -%}
    {%- set is_same = found == [[code]] -%}
    {{ print_check(
        "code", code_file() ~ (" of this project" if is_same else " of another version, or none"),
        "" if is_same else "run `hitparade load`"
    ) }}
{%- endmacro %}

{#- Checks whether the account has the packages of training and of the functions. -#}
{% macro print_check_of_packages() -%}
    {%- set wanted = var('snowflake_function_packages') | list -%}
    {%- for node in graph.nodes.values() if node.config.packages -%}
        {%- do wanted.extend(node.config.packages) -%}
    {%- endfor -%}
    {%- set wanted = wanted | unique | sort -%}
    {%- set found = [] -%}
    {%- for package in rows_of(
        "select distinct package_name from " ~ target.database ~ ".information_schema.packages where language = 'python'"
        ~ " and runtime_version = '" ~ var('snowflake_python') ~ "' and package_name in (" ~ quoted(wanted) ~ ")"
    ) -%}
        {%- do found.append(package[0]) -%}
    {%- endfor -%}
    {%- set missing = wanted | reject('in', found) | list -%}
    {{ print_check(
        "packages", found | sort | join(', ') or "none",
        "lacks " ~ missing | join(', ') ~ ": see docs/snowflake.md" if missing else ""
    ) }}
{%- endmacro %}

{#- Prints the result of one check. -#}
{% macro print_check(name, found, step='') -%}
    {{ print(tojson({'name': name, 'found': found, 'step': step})) }}
{%- endmacro %}
