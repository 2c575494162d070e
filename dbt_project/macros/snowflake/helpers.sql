{#- Name of a helper function in SQL. -#}
{% macro helper_name(name) -%}
    {%- do return(target.database ~ '.' ~ target.schema ~ '.' ~ name) -%}
{%- endmacro %}

{#- The helper functions of udfs/snowflake, which users do not call: module, arguments and return type of
    each. -#}
{% macro helpers() -%}
    {% set helpers = {} %}
    {% for name, module, arguments, returns in [
        ('list_field', 'helpers', {'items': 'struct[]', 'name': 'varchar'}, 'varchar[]'),
        ('one_hot', 'helpers', {'given': 'varchar[]', 'known': 'varchar[]'}, 'double[]'),
        ('input_groups', 'helpers', {'inputs': 'struct[]'}, 'varchar[]'),
        ('genre_name', 'helpers', {'text': 'varchar', 'spellings': 'struct'}, 'varchar'),
        ('genre_names', 'helpers', {'given': 'varchar[]', 'spellings': 'struct'}, 'varchar[]'),
        ('unknown_members', 'helpers', {'name': 'varchar', 'given': 'varchar[]', 'known': 'varchar[]'}, 'varchar[]'),
        ('likeliest', 'helpers', {'labels': 'varchar[]', 'scores': 'double[]'}, 'varchar'),
        ('by_label', 'helpers', {'labels': 'varchar[]', 'scores': 'double[]'}, 'struct'),
        ('first_words', 'helpers', {'text': 'varchar', 'most': 'integer'}, 'varchar[]'),
        ('dot_product', 'helpers', {'one': 'float[]', 'other': 'float[]'}, 'double'),
        ('raise_error', 'helpers', {'message': 'varchar'}, 'variant'),
        ('changes_in_words', 'helpers', {'optimization': 'struct', 'changeable': 'struct[]'}, 'varchar'),
        ('optimized_song', 'served', {
            'model_id': 'varchar', 'judge_model_id': 'varchar', 'song': 'double[]', 'features': 'varchar[]',
            'max_change': 'double', 'max_features': 'integer', 'penalty': 'double',
        }, 'struct'),
    ] %}
        {% set typed = [] %}
        {% for argument, type in arguments.items() %}
            {% do typed.append({'name': argument, 'data_type': type, 'default_value': none}) %}
        {% endfor %}
        {% do helpers.update({name: {'module': module, 'arguments': typed, 'returns': returns}}) %}
    {% endfor %}
    {% do return(helpers) %}
{%- endmacro %}
