{#- A title without the name of a version, such as `- Live at ...` or `(Remastered 2011)`, and without guests, such as
    `(feat. ...)`, in lower case. Part numbers stay. -#}
{% macro song_title(title) -%}
    {%- set versions = [
        'acoustic', 'acústico', 'ao vivo', 'clean', 'demo', 'edit', 'edited', 'en vivo', 'explicit', 'extended',
        'instrumental', 'karaoke', 'live', 'mix', 'mixed', 'mono', 're-recorded', 'remaster', 'remastered',
        'remasterizado', 'remix', 'rerecorded', 'session', 'sessions', 'stereo', 'unplugged', 'version',
    ] -%}
    regexp_replace(
        regexp_replace(lower({{ title }}), '( [[(](feat|featuring|ft|with)[^a-z][^])]*[])])+', ''),
        '( - | [[(])(([^-[(]|[^ [(]-)*[^a-z[(-])?({{ versions | join("|") }})([^a-z].*)?$',
        ''
    )
{%- endmacro %}
