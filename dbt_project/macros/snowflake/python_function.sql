{#- The statement that creates a vectorized Python function in Snowflake. Its imports are fixed at that time: the code
    that `hitparade load` uploaded, and for the module `served` the served models. -#}
{% macro python_function(relation, arguments, returns, module, function) -%}
    {%- set imports = ['@' ~ code_stage() ~ '/' ~ code_file()] -%}
    {%- set stamp = served_stamp(function) if module == 'served' else none -%}
    {%- for model_id in stamp.models if stamp and holds_models(function) -%}
        {%- do imports.append('@' ~ models_stage() ~ '/' ~ model_id ~ '.onnx') -%}
    {%- endfor -%}
    create or replace function {{ relation }} ({{ function_arguments(arguments) }}) copy grants
    returns {{ column_type(returns) }}
    language python
    runtime_version = '{{ var("snowflake_python") }}'
    packages = ('{{ var("snowflake_function_packages") | join("', '") }}')
    imports = ('{{ imports | join("', '") }}')
    handler = 'answer'
    as
    $$
import pandas
from _snowflake import vectorized

from udfs.snowflake import {{ module }}
{% if stamp %}
SERVED = served.Served(r'''{{ stamp | tojson }}''')
{% endif %}

@vectorized(input=pandas.DataFrame, max_batch_size=1000)
def answer(rows):
    return {{ module }}.{{ function }}({{ 'SERVED, ' if stamp }}rows)
$$
{%- endmacro %}

{#- True if a function needs the models' graphs. Some functions only read their stamped values. -#}
{% macro holds_models(function) -%}
    {%- do return(function not in ['check_features', 'assigned_model']) -%}
{%- endmacro %}

{#- The values stamped into a function of served models: the models, the names by which other functions request them,
    and values for this function only: inputs, traffic shares, features that song optimization may change, or background
    songs. -#}
{% macro served_stamp(function) -%}
    {%- set stamp = {'models': {}, 'words': {}} -%}
    {%- if function == 'assigned_model' -%}
        {%- do stamp.update({'assignments': rows_of("select task, model_id, first_bucket, last_bucket from ml.assignments")}) -%}
    {%- else -%}
        {%- for model_id, sha256, inputs in rows_of(
            "select distinct served.model_id, artifacts.sha256, "
            ~ ("to_json(served.inputs)" if function in ['check_features', 'onnx_explain'] else "'[]'") ~ " from ml.served_models as served "
            ~ "inner join ml.model_artifacts as artifacts on served.model_id = artifacts.model_id "
            ~ "where " ~ served_tasks(function) ~ " order by served.model_id asc nulls last"
        ) -%}
            {%- do stamp.models.update({model_id: {'sha256': sha256, 'inputs': fromjson(inputs)}}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for task, model_id in rows_of("select task, model_id from ml.champions order by task asc nulls last") -%}
        {%- do stamp.words.update({'champion of ' ~ task: model_id}) -%}
    {%- endfor -%}
    {%- for task, algorithm, model_id in rows_of(
        "select task, algorithm, max(model_id) from ml.served_models where is_newest group by task, algorithm order by task asc nulls last, algorithm asc nulls last"
    ) -%}
        {%- do stamp.words.update({task ~ ' by ' ~ algorithm: model_id}) -%}
    {%- endfor -%}
    {%- if function == 'optimized_song' -%}
        {%- do stamp.update({'changeable': changeable(), 'steps': optimization_defaults().steps}) -%}
    {%- endif -%}
    {%- if function == 'onnx_explain' -%}
        {%- do stamp.update({'backgrounds': explained_backgrounds()}) -%}
    {%- endif -%}
    {%- do return(stamp) -%}
{%- endmacro %}

{#- The background rows of explanations, by task. -#}
{% macro explained_backgrounds() -%}
    {%- set backgrounds = {} -%}
    {%- for task, features in rows_of(
        "select task, to_json(features) from ml.explanation_backgrounds order by task asc nulls last, place asc nulls last"
    ) -%}
        {%- if task not in backgrounds -%}
            {%- do backgrounds.update({task: {
                'terms': ['average'] + argument_names(task), 'places': argument_places(task), 'songs': [],
                'most': most_exact_arguments(), 'inputs': names_of_the_rows(task),
            }}) -%}
        {%- endif -%}
        {%- do backgrounds[task].songs.append(fromjson(features)) -%}
    {%- endfor -%}
    {%- do return(backgrounds) -%}
{%- endmacro %}

{#- Names of a task's inputs as its rows are encoded. -#}
{% macro names_of_the_rows(task) -%}
    {%- set names = [] -%}
    {%- for input in encode(task) -%}
        {%- for member in (genres_of_the_rows() if input.vocabulary is defined else []) -%}
            {%- do names.append(input.name ~ '=' ~ member) -%}
        {%- else -%}
            {%- do names.append(input.name) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do return(names) -%}
{%- endmacro %}

{#- The condition of the served models that a function can use. Other models would only make the function
    larger. -#}
{% macro served_tasks(function) -%}
    {%- if 'next_song' in function or function == 'onnx_track_vector' -%}
    served.task = 'next_song'
    {%- elif 'optimize' in function -%}
    served.task = 'song_optimization'
    {%- else -%}
    served.task <> 'next_song' and served.algorithm <> 'gradient'
    {%- endif -%}
{%- endmacro %}

{#- The rows of a query; none while dbt only parses. -#}
{% macro rows_of(query) -%}
    {%- set found = [] -%}
    {%- for row in (run_query(query).rows if execute else []) -%}{%- do found.append(row.values() | list) -%}{%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}

{#- Arguments with their types, and with defaults if the YAML has them. -#}
{% macro function_arguments(arguments) -%}
    {%- for argument in arguments -%}
        {{ argument.name }} {{ column_type(argument.data_type) }}
        {%- set value = argument.default_value | default(none) -%}
        {%- if value is not none %} default {{ 'cast(null as ' ~ column_type(argument.data_type) ~ ')' if value == 'null' else value }}{% endif %}
        {%- if not loop.last %}, {% endif %}
    {%- endfor -%}
{%- endmacro %}
