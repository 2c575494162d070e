-- depends_on: {{ ref('fct_track_vectors') }}
{{ parameters(['track', 'k']) }} {% call from_own_file(song_list()) %}
{{ nearest_tracks() }}
{% endcall %}
