"""The SQL of the page: one query for each panel, valid in both warehouses."""

from hitparade.app.generated.tasks import ANSWERS, ARGUMENTS
from hitparade.app.songs import NAMES, Song

# Tasks that have panels of their own.
OWN_PANELS = ("hit", "tier", "popularity", "log_streams")
# Columns whose values are lists or objects.
STRUCTURED = {"genres", "tiers", "unusual", "terms", "advice", "songs"}

CHAMPIONS = """
select
    champions.task,
    max(served.algorithm) as champion,
    max(board.verdict) as verdict
from ml.champions as champions
left join ml.served_models as served
    on champions.model_id = served.model_id
left join rpt_model_leaderboard as board
    on champions.model_id = board.model_id
group by champions.task
"""
# The slowest query of the page, so it runs only if a task has no champion.
REASON = """
select reason
from ml.challengers
where task = '{task}'
"""
ALGORITHMS = """
select distinct algorithm
from ml.served_models
where task = 'hit' and is_newest
order by algorithm
"""
PRESETS = "select * from staging.song_presets order by preset"
GENRES = "select genre from staging.genres order by genre"
PROFILE = """
select feature, top_100_mean, all_mean, difference_in_sd
from rpt_feature_benchmarks
where entity = 'tracks'
order by feature
"""
IMPORTANCE = """
select importance.feature, importance.importance
from rpt_feature_importance as importance
inner join ml.champions as champions
    on importance.task = champions.task and importance.model_id = champions.model_id
where importance.task = '{task}' and importance.importance_rank <= 10
order by importance.importance_rank
"""


def literal(text: str) -> str:
    """Return a string as SQL, without backslashes: only Snowflake reads them as escapes."""
    parts = ("'" + part.replace("'", "''") + "'" for part in text.split("\\"))
    return " || chr(92) || ".join(parts)


def _pattern(words: str) -> str:
    """Return the LIKE pattern of strings that contain these words."""
    return f"({literal(f'%{words.lower()}%')})"


def song_relation(song: Song, text_list: str) -> str:
    """Return the song as a relation with one row.

    Args:
        song: all inputs.
        text_list: the warehouse's cast of a list of strings, with `{}` for the list.
    """
    columns = []
    for name in NAMES:
        value = song[name]
        if name == "genres":
            text = text_list.format(f"[{', '.join(literal(one) for one in value)}]")
        elif name == "mode":
            text = str(int(value))
        elif isinstance(value, bool):
            text = str(value).lower()
        else:
            text = f"cast({value!r} as double)"
        columns.append(f"        {text} as {name}")
    return "(\n    select\n" + ",\n".join(columns) + "\n) as song"


def call(function: str, task: str, *leading: str) -> str:
    """Return the call of a task's function on the columns of a song."""
    return f"{function}({', '.join([*leading, *ARGUMENTS[task]])})"


def numbers(song: str, tasks: set[str], algorithms: list[str]) -> str:
    """Return the query for all models' answers for a song."""
    columns = {}
    if "hit" in tasks:
        for place, algorithm in enumerate(algorithms):  # their names need not be valid SQL
            columns[f"hit_{place}"] = call("predict_hit_by", "hit", literal(algorithm))
        columns["hit"] = call("predict_hit", "hit")
    if "tier" in tasks:
        columns["tier"] = call("predict_tier", "tier")
        columns["tiers"] = call("predict_tier_proba", "tier")
    if "popularity" in tasks:
        columns["popularity"] = call("predict_popularity", "popularity")
        columns["unusual"] = call("check_popularity", "popularity")
    if "log_streams" in tasks:
        columns["log_streams"] = call("predict_log_streams", "log_streams")
        columns["streams"] = call("predict_streams", "log_streams")
    for task in others(tasks):
        columns[task] = call(f"predict_{task}", task)
    return _select(columns, song)


def others(tasks: set[str]) -> list[str]:
    """Return the tasks without panels of their own, in order."""
    return [task for task in ANSWERS if task in tasks and task not in OWN_PANELS]


def explanation(song: str, task: str) -> str:
    """Return the query for what each input adds to an answer."""
    return _select({"terms": call(f"explain_{task}", task)}, song)


def advice(song: str) -> str:
    """Return the query for what to change in a song."""
    optimized = _select({"advice": call("optimize_song", "song_optimization")}, song)
    inner = optimized.replace("\n", "\n    ")
    columns = "    advice,\n    describe_changes(advice) as sentence"
    return f"select\n{columns}\nfrom (\n    {inner}\n) as optimized"


def found_tracks(words: str) -> str:
    """Return the query for tracks with these words in their name or artists."""
    pattern = _pattern(words)
    return f"""
select track_id, track_name, artists, popularity, {", ".join(NAMES)}
from dim_tracks
where lower(track_name) like {pattern} or lower(artists) like {pattern}
order by popularity desc, track_id
limit 20
"""


def found_playlist_tracks(words: str) -> str:
    """Return the query for tracks of playlists with these words in their name or artist."""
    pattern = _pattern(words)
    return f"""
select tracks.track_uri, tracks.track_name, artists.artist_name
from staging.stg_mpd__tracks as tracks
inner join staging.stg_mpd__artists as artists
    on tracks.artist_uri = artists.artist_uri
where lower(tracks.track_name) like {pattern} or lower(artists.artist_name) like {pattern}
order by tracks.track_name, tracks.track_uri
limit 20
"""


def next_songs(track_uris: list[str], count: int = 10) -> str:
    """Return the query for the songs that come next after tracks."""
    return f"select next_songs([{', '.join(map(literal, track_uris))}], {count}) as songs"


def names_of(track_uris: list[str]) -> str:
    """Return the query for the names of tracks."""
    return f"""
select tracks.track_uri, tracks.track_name, artists.artist_name
from staging.stg_mpd__tracks as tracks
inner join staging.stg_mpd__artists as artists
    on tracks.artist_uri = artists.artist_uri
where tracks.track_uri in ({", ".join(map(literal, track_uris))})
"""


def _select(columns: dict[str, str], relation: str) -> str:
    lines = ",\n".join(f"    {expression} as {name}" for name, expression in columns.items())
    return f"select\n{lines}\nfrom {relation}"
