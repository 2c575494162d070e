-- depends_on: {{ ref('feat_next_song_tracks') }}
{{ parameters(['track_uris']) }} {% call from_own_file('varchar[]') %}
{{ unknown_tracks() }}
{% endcall %}
