{{ config(enabled=has_sql_backend()) }}

-- depends_on: {{ ref('stamps') }}
with stamped as (

    select
        name,
        statement as last_statement,
        {{ stamped('definition') }} as statement -- noqa: PRS, a lambda of two parameters
    from {{ source('ml', 'function_definitions') }}

)

select
    name,
    statement,
    coalesce(statement <> last_statement, true) as is_stale
from stamped
