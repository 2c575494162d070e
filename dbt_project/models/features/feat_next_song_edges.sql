{{ config(post_hook="{{ insert_further_edges(this) }}") }}

-- depends_on: {{ ref('feat_next_song_entries') }}, {{ ref('int_playlists') }}
-- Tracks by parts, because the pairs of all tracks of a million playlists need 30 GB.
{{ next_song_edges(0, row_parts(ref('feat_next_song_entries'))) }}
