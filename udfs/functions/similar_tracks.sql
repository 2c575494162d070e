-- depends_on: {{ ref('fct_track_vectors') }}
{{ parameters(['track', 'k']) }} {{ nearest_tracks() }}
