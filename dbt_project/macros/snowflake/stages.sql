{#- The stage of the code that functions and training import. -#}
{% macro code_stage() -%}
    {%- do return(target.database ~ '.ml.code') -%}
{%- endmacro %}

{#- The file of the code, a zip. -#}
{% macro code_file() -%}
    {%- do return('hitparade.zip') -%}
{%- endmacro %}

{#- The table that says which code lies there: what a stage lists of an encrypted file is no hash of its content. -#}
{% macro loaded_code() -%}
    {%- do return(target.database ~ '.ml.loaded_code') -%}
{%- endmacro %}

{#- The stage of the graphs, each a file named by its model_id. -#}
{% macro models_stage() -%}
    {%- do return(target.database ~ '.ml.models') -%}
{%- endmacro %}

{#- The stage of the raw files. -#}
{% macro raw_stage() -%}
    {%- do return(target.database ~ '.raw.files') -%}
{%- endmacro %}

{#- Put a file to a stage, in the place of one of its name. -#}
{% macro put_file(file, stage) -%}
    {%- do run_query("put 'file://" ~ file ~ "' @" ~ stage ~ " overwrite = true auto_compress = false") -%}
{%- endmacro %}
