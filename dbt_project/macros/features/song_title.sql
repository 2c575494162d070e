{#- A title without the name of a version, such as `- Live at ...` or `(Remastered 2011)`, in lower case. -#}
{% macro song_title(title) -%}
    {%- set versions = [
        'acoustic', 'album', 'anniversary', 'bonus', 'clean', 'demo', 'edit', 'explicit', 'extended', 'feat', 'featuring',
        'instrumental', 'karaoke', 'live', 'mix', 'mono', 'orchestral', 'radio', 'remaster', 'remastered', 'remix',
        'session', 'single', 'stereo', 'unplugged', 'version', 'with',
    ] -%}
    regexp_replace(
        lower({{ title }}), '( - | [[(])([^-[(]*[^-[(a-z])?({{ versions | join("|") }})([^a-z].*)?$', ''
    )
{%- endmacro %}
