{#- The stage for the code that functions and training import. -#}
{% macro code_stage() -%}
    {%- do return(target.database ~ '.ml.code') -%}
{%- endmacro %}

{#- The zip file of the code. -#}
{% macro code_file() -%}
    {%- do return('hitparade.zip') -%}
{%- endmacro %}

{#- The table that records which code version is on the stage. The hash of an encrypted staged file does not
    identify its content. -#}
{% macro loaded_code() -%}
    {%- do return(target.database ~ '.ml.loaded_code') -%}
{%- endmacro %}

{#- The stage for the graphs. Each file is named by its model_id. -#}
{% macro models_stage() -%}
    {%- do return(target.database ~ '.ml.models') -%}
{%- endmacro %}

{#- The stage for the raw files. -#}
{% macro raw_stage() -%}
    {%- do return(target.database ~ '.raw.files') -%}
{%- endmacro %}

{#- Uploads a file to a stage and replaces a file of the same name. -#}
{% macro put_file(file, stage) -%}
    {%- do run_query("put 'file://" ~ file ~ "' @" ~ stage ~ " overwrite = true auto_compress = false") -%}
{%- endmacro %}
