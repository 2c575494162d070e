"""Next songs in SQL: features, models, functions and stored predictions."""

from collections import Counter

import duckdb
import numpy as np
import onnx
import pytest
from sklearn.linear_model import LinearRegression

import udfs
from models_py import export
from models_py.next_song.export import no_options
from models_py.next_song.training import ALGORITHMS
from udfs.runtime import sessions

URIS = "list(track_uri order by position) as track_uris"
PLAYLISTS = f"(select playlist_id, {URIS} from staging.stg_mpd__playlist_tracks group by all)"


def one(connection, expression: str, *values):
    return connection.execute(f"select {expression}", list(values)).fetchone()[0]


def uris(connection, playlist: int) -> list[str]:
    query = f"select track_uris from {PLAYLISTS} where playlist_id = ?"
    return connection.execute(query, [playlist]).fetchone()[0]


# On the ONNX Runtime backend


def test_next_songs_equal_the_stored_ones(onnx_runtime):
    rows = onnx_runtime.execute(
        "select songs.playlist_id, list((song_rank, track_uri) order by song_rank), "
        "any_value(next_songs_for_playlist(songs.playlist_id, 10)) "
        "from (from fct_playlist_next_songs where playlist_id < 50) as songs group by 1"
    ).fetchall()
    assert len(rows) == 50
    for _, stored, songs in rows:
        assert stored == [(song["rank"], song["track_uri"]) for song in songs]


def test_next_songs_are_ranked_new_and_likely(onnx_runtime):
    tracks = uris(onnx_runtime, 7)
    songs = one(onnx_runtime, "next_songs(?, 100)", tracks)
    assert [song["rank"] for song in songs] == list(range(1, 101))
    offered = [song["track_uri"] for song in songs]
    assert len(set(offered)) == 100
    assert not set(offered) & set(tracks)
    scores = [song["score"] for song in songs]
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1 + 1e-6
    assert one(onnx_runtime, "next_songs(?, 3)", tracks) == songs[:3]


def test_a_row_gets_the_same_answer_in_a_table_and_by_itself(onnx_runtime):
    rows = onnx_runtime.execute(
        f"select track_uris, next_songs(track_uris, 5) from {PLAYLISTS} "
        "where playlist_id between 100 and 180"
    ).fetchall()
    for tracks, songs in rows[::10]:
        alone = one(onnx_runtime, "next_songs(?, 5)", tracks)
        assert [song["score"] for song in songs] == pytest.approx(
            [song["score"] for song in alone], abs=1e-6
        )
        assert [song["track_uri"] for song in songs] == [song["track_uri"] for song in alone]


def test_each_row_can_have_its_own_k_and_model(onnx_runtime):
    tracks = uris(onnx_runtime, 7)
    rows = onnx_runtime.execute(
        "select algorithm, k, onnx_next_songs(model_id, ?, [], k) from ml.served_models, "
        "(values (1), (4)) as ks(k) where task = 'next_song' order by all",
        [tracks],
    ).fetchall()
    assert len(rows) == 2 * len(ALGORITHMS)
    for algorithm, k, songs in rows:
        assert len(songs) == k, algorithm
    assert len({tuple(song["track_uri"] for song in songs) for _, k, songs in rows if k == 4}) > 1


def test_unknown_tracks_are_left_out(onnx_runtime):
    tracks = uris(onnx_runtime, 7)
    mixed = ["spotify:track:nobody", None, *tracks[:5], None, "", *tracks[5:], "x"]
    assert one(onnx_runtime, "next_songs(?, 10)", mixed) == one(
        onnx_runtime, "next_songs(?, 10)", tracks
    )
    nothing = one(onnx_runtime, "next_songs([], 10)")
    assert len(nothing) == 10
    assert one(onnx_runtime, "next_songs(['x', null], 10)") == nothing


def test_the_check_names_the_tracks_that_are_left_out(sql_backend):
    tracks = uris(sql_backend, 3)
    assert one(sql_backend, "check_next_songs(?)", tracks) == []
    assert one(sql_backend, "check_next_songs([])") == []
    assert one(sql_backend, "check_next_songs(null)") is None
    assert one(sql_backend, "check_next_songs(?)", ["x", tracks[0], None]) == [
        "x is not a track that next_song models were trained on",
        "a track is NULL",
    ]
    lists = "select check_next_songs(l) from (values (['x']), ([]), (null)) as lists (l)"
    assert [found and len(found) for (found,) in sql_backend.execute(lists).fetchall()] == [
        1,
        [],
        None,
    ]


@pytest.mark.parametrize(
    "call",
    [
        "next_songs(null, 3)",
        "next_songs([], null)",
        "next_songs_for_title(null, 3)",
        "next_songs_for_title('party', null)",
        "next_songs_for_playlist(null, 3)",
        "next_songs_for_playlist(-1, 3)",
        "next_song_score(null, 'x')",
        "next_song_score([], null)",
        "next_song_score([], 'x')",
        "track_vector(null)",
        "track_vector('x')",
        "similar_tracks(null, 3)",
        "similar_tracks('x', 3)",
        "similar_tracks('x', null)",
    ],
)
def test_a_null_argument_gives_null(onnx_runtime, call):
    assert one(onnx_runtime, call) is None


def test_a_null_row_does_not_affect_other_rows(onnx_runtime):
    rows = onnx_runtime.execute(
        "select next_songs(tracks, 1) is null from (values (null), ([]), (['x'])) as t(tracks)"
    ).fetchall()
    assert rows == [(True,), (False,), (False,)]


@pytest.mark.parametrize("k", [0, -1, 501, 2_000_000_000])
@pytest.mark.parametrize(
    ("call", "most"),
    [
        ("next_songs([], {k})", 500),
        ("next_songs_for_title('x', {k})", 500),
        ("similar_tracks('x', {k})", 100),
    ],
)
def test_a_k_out_of_range_is_an_error(onnx_runtime, call, most, k):
    with pytest.raises(duckdb.Error, match=f"k is {k}: give 1 to {most}"):
        one(onnx_runtime, call.format(k=k))


@pytest.fixture
def playlist(onnx_runtime) -> list[str]:
    """Tracks of which other versions exist; as text, it is a list in SQL, too."""
    (uris,) = onnx_runtime.execute(
        "select list(track_uri order by track_number asc)[:3] from features.feat_next_song_tracks "
        "where song in (select song from features.feat_next_song_tracks group by song "
        "having count(*) > 1)"
    ).fetchone()
    assert len(uris) == 3
    return uris


def offered(connection, call: str) -> list[str]:
    return [song["track_uri"] for song in one(connection, call)]


def groups(connection, uris: list[str], column: str) -> list[str]:
    query = f"select track_uri, {column} from features.feat_next_song_tracks"
    known = dict(connection.execute(query).fetchall())
    return [known[uri] for uri in uris]


def test_the_longest_list_has_500_tracks_in_the_order_of_shorter_ones(onnx_runtime, playlist):
    songs = one(onnx_runtime, f"next_songs({playlist}, 500, allow_other_versions := true)")
    assert [song["rank"] for song in songs] == list(range(1, 501))
    assert len({song["track_uri"] for song in songs}) == 500
    scores = [song["score"] for song in songs]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0 == scores[-1]
    assert offered(onnx_runtime, f"next_songs({playlist}, 10, allow_other_versions := true)") == [
        song["track_uri"] for song in songs[:10]
    ]


def test_excluded_tracks_are_left_out(onnx_runtime, playlist):
    plain = offered(onnx_runtime, f"next_songs({playlist}, 10)")
    exclude = [plain[0], plain[4], "x"]
    found = offered(onnx_runtime, f"next_songs({playlist}, 10, exclude := {exclude})")
    assert len(found) == 10 and not set(found) & set(exclude)
    assert found[:5] == [uri for uri in plain if uri not in exclude][:5]
    # Unlike a track of the list, an excluded track says nothing about the list.
    assert offered(onnx_runtime, f"next_songs({playlist}, 10, exclude := [])") == plain
    assert offered(onnx_runtime, f"next_songs({playlist}, 10, exclude := null)") == plain


def test_only_tracks_among_the_given_ones_are_returned(onnx_runtime, playlist):
    """Also tracks that would not be candidates without the option."""
    query = (
        "select list(track_uri order by md5(track_uri))[:20] from features.feat_next_song_tracks"
    )
    ((some,),) = onnx_runtime.execute(query).fetchall()
    call = f"next_songs({playlist}, 30, among := {some}, allow_other_versions := true)"
    found = offered(onnx_runtime, call)
    assert set(found) == set(some) - set(playlist)
    assert one(onnx_runtime, f"next_songs({playlist}, 5, among := [])") == []
    assert one(onnx_runtime, f"next_songs({playlist}, 5, among := ['x'])") == []
    # A subquery that finds nothing must not mean all tracks.
    nothing = "(select list(track_uri) from features.feat_next_song_tracks where false)"
    assert one(onnx_runtime, f"next_songs({playlist}, 5, among := {nothing})") is None
    assert one(onnx_runtime, f"next_songs({playlist}, 5, exclude := {nothing})") == one(
        onnx_runtime, f"next_songs({playlist}, 5, among := ['*'])"
    )
    text = f"next_songs({playlist}, 5, among := '{some[0]}; {some[1]}')"
    assert set(offered(onnx_runtime, text)) <= set(some[:2])


@pytest.mark.parametrize("most", [1, 2])
def test_an_artist_has_at_most_so_many_tracks(onnx_runtime, playlist, most):
    found = offered(onnx_runtime, f"next_songs({playlist}, 50, per_artist := {most})")
    artists = Counter(groups(onnx_runtime, found, "artist_uri"))
    assert len(found) == 50 and max(artists.values()) == most
    plain = offered(onnx_runtime, f"next_songs({playlist}, 50)")
    assert max(Counter(groups(onnx_runtime, plain, "artist_uri")).values()) > most
    # The order is that of the whole list.
    assert [uri for uri in plain if uri in found] == [uri for uri in found if uri in plain]


def test_versions_of_excluded_songs_are_left_out(onnx_runtime, playlist):
    known = set(groups(onnx_runtime, playlist, "song"))
    plain = offered(onnx_runtime, "next_songs([], 500)")
    assert known & set(groups(onnx_runtime, plain, "song"))
    found = offered(onnx_runtime, f"next_songs([], 500, exclude := {playlist})")
    assert not known & set(groups(onnx_runtime, found, "song"))


def test_long_and_short_lists_are_answered_like_each_by_itself(onnx_runtime, playlist):
    """Rows are filled up to the longest list of a batch, so a long list gets a batch of its own."""
    query = (
        "select next_songs([], 3, exclude := case when n = 40 then [uri || n for uri in "
        f"range(150_000)] || {playlist} else {playlist} end) from range(80) as t(n)"
    )
    rows = onnx_runtime.execute(query).fetchall()
    alone = one(onnx_runtime, f"next_songs([], 3, exclude := {playlist})")
    for (songs,) in rows:
        assert [song["track_uri"] for song in songs] == [song["track_uri"] for song in alone]


def test_other_versions_of_a_song_are_returned_only_on_request(onnx_runtime, playlist):
    known = set(groups(onnx_runtime, playlist, "song"))
    songs = groups(onnx_runtime, offered(onnx_runtime, f"next_songs({playlist}, 300)"), "song")
    assert not known & set(songs) and len(set(songs)) == len(songs)
    call = f"next_songs({playlist}, 300, allow_other_versions := true)"
    every = groups(onnx_runtime, offered(onnx_runtime, call), "song")
    assert len(set(every)) < len(every)


@pytest.mark.parametrize("value", [0, -1])
def test_a_number_per_artist_below_1_is_an_error(onnx_runtime, value):
    with pytest.raises(duckdb.Error, match=f"per_artist is {value}: give at least 1, or NULL"):
        one(onnx_runtime, f"next_songs([], 5, per_artist := {value})")


def test_the_options_of_a_row_are_those_of_its_row(onnx_runtime, playlist):
    """For a list, for a playlist and for a title; in one query for many rows."""
    rows = [("null", "['*']", 1), (f"{playlist}", "['*']", 2), ("[null]", f"{playlist}", None)]
    values = ", ".join(f"({e}, {a}, {'null' if p is None else p})" for e, a, p in rows)
    for call in ("next_songs([], 5", "next_songs_for_playlist(7, 5", "next_songs_for_title('x', 5"):
        options = "exclude := e, among := a, per_artist := p, allow_other_versions := true"
        together = onnx_runtime.execute(
            f"select {call}, {options}) from (values {values}) as t(e, a, p)"
        ).fetchall()
        for (answer,), (e, a, p) in zip(together, rows, strict=True):
            given = options.replace(":= e", f":= {e}").replace(":= a,", f":= {a},")
            given = given.replace(":= p", f":= {'null' if p is None else p}")
            alone = one(onnx_runtime, f"{call}, {given})")
            assert [song["track_uri"] for song in answer] == [song["track_uri"] for song in alone]
            assert [song["score"] for song in answer] == pytest.approx(
                [song["score"] for song in alone], abs=1e-6
            )


def test_a_model_of_another_task_is_an_error_in_both_directions(onnx_runtime):
    query = "model_id from ml.champions where task = ?"
    hit, next_song = one(onnx_runtime, query, "hit"), one(onnx_runtime, query, "next_song")
    with pytest.raises(duckdb.Error, match=f"model {hit} does not recommend songs"):
        one(onnx_runtime, "onnx_next_songs(?, [], [], 3)", hit)
    with pytest.raises(duckdb.Error, match=f"model {next_song} does not take a list of numbers"):
        one(onnx_runtime, "onnx_predict(?, [1.0])", next_song)


def test_a_registered_model_cannot_take_lists_of_strings(copy):
    model = LinearRegression().fit(np.eye(2), np.ones(2))
    with (
        duckdb.connect(copy.database) as connection,
        pytest.raises(
            udfs.ModelError, match="the functions of task next_song need more than numeric scores"
        ),
    ):
        udfs.register_model(connection, model, task="next_song", examples=np.eye(2))


def test_a_null_model_is_an_error_on_both_backends(sql_backend, onnx_runtime):
    for connection in (sql_backend, onnx_runtime):
        with pytest.raises(duckdb.Error, match="model_id is NULL"):
            one(connection, "onnx_next_songs(null, [], [], 3)")


def test_a_single_score_equals_that_of_the_list(onnx_runtime):
    tracks = uris(onnx_runtime, 7)
    for song in one(onnx_runtime, "next_songs(?, 5)", tracks):
        score = one(onnx_runtime, "next_song_score(?, ?)", tracks, song["track_uri"])
        assert score == pytest.approx(song["score"], rel=1e-5)
    assert one(onnx_runtime, "next_song_score(?, ?)", tracks, tracks[3]) == 0


def test_a_vector_takes_few_nodes_of_the_graph_and_equals_that_of_the_whole(onnx_runtime):
    """onnxruntime would rank all tracks for a vector, which takes a thousand times as long."""
    ((content,),) = onnx_runtime.execute(
        "select onnx from ml.model_artifacts inner join ml.champions using (model_id) "
        "where task = 'next_song'"
    ).fetchall()
    part = onnx.load_model_from_string(sessions._part(content, "vector"))
    whole = onnx.load_model_from_string(content)
    assert len(part.graph.node) < len(whole.graph.node) / 4
    uris = onnx_runtime.execute("select track_uri from fct_track_vectors limit 3").fetchall()
    texts = np.array([*uris, ("x",)], dtype=object)
    feeds = no_options(4) | {
        "asked": texts,
        "track_uris": np.full((4, 1), "", dtype=object),
        "title_words": np.full((4, 5), "", dtype=object),
    }
    ((expected,), (found,)) = (
        export.session(one.SerializeToString()).run(["vector"], feeds) for one in (whole, part)
    )
    assert expected[:3].any(axis=1).all() and not expected[3].any()
    assert (found == expected).all()


def test_vectors_come_from_the_model_and_similarity_is_their_cosine(onnx_runtime):
    rows = onnx_runtime.execute(
        "select track_uri, vector, track_vector(track_uri) from fct_track_vectors"
    ).fetchall()
    stored = np.array([row[1] for row in rows])
    assert (stored == np.array([row[2] for row in rows])).all()
    places = {row[0]: place for place, row in enumerate(rows)}
    for track in list(places)[:5]:
        cosines = stored @ stored[places[track]]
        songs = one(onnx_runtime, "similar_tracks(?, 10)", track)
        found = [places[song["track_uri"]] for song in songs]
        assert places[track] not in found
        assert [song["rank"] for song in songs] == list(range(1, 11))
        assert [song["score"] for song in songs] == pytest.approx(cosines[found], abs=1e-5)
        assert cosines[found].min() >= np.sort(cosines)[-11] - 1e-6


def test_tracks_of_one_artist_are_more_similar_than_others(sql_backend):
    same, other = sql_backend.execute(
        "select avg(score) filter (where same), avg(score) filter (where not same) from ("
        "  select list_dot_product(a.vector, b.vector) as score,"
        "  x.artist_uri = y.artist_uri as same"
        "  from (from fct_track_vectors order by track_uri limit 400) as a"
        "  inner join fct_track_vectors as b on a.track_uri < b.track_uri"
        "  inner join staging.stg_mpd__tracks as x on a.track_uri = x.track_uri"
        "  inner join staging.stg_mpd__tracks as y on b.track_uri = y.track_uri)"
    ).fetchone()
    assert same > other + 0.1


def test_a_title_without_tracks_predicts_the_mood_of_the_playlist(onnx_runtime):
    """Titles name the mood in which a playlist starts."""
    energy = {}
    for title in ("workout", "sleep"):
        rows = onnx_runtime.execute(
            "select avg(energy) from (select unnest(next_songs_for_title(?, 30)).track_uri as uri) "
            "inner join dim_tracks on uri = 'spotify:track:' || track_id",
            [title],
        ).fetchone()
        energy[title] = rows[0]
    assert energy["workout"] > energy["sleep"] + 0.1


def test_words_of_a_title_are_case_insensitive(onnx_runtime):
    plain = one(onnx_runtime, "next_songs_for_title('workout', 10)")
    assert one(onnx_runtime, "next_songs_for_title('  WORKOUT!! ', 10)") == plain
    unheard = one(onnx_runtime, "next_songs_for_title('qwertz', 10)")
    assert unheard == one(onnx_runtime, "next_songs([], 10)")
    assert one(onnx_runtime, "next_songs_for_title('', 10)") == unheard


def test_columns_of_the_caller_do_not_clash_with_those_of_the_function(onnx_runtime):
    """The columns have the names of those that the functions read."""
    (found,) = onnx_runtime.execute(
        "select next_songs_for_playlist(playlist_id, 3) from (values (7, 8)) "
        "as t(playlist_id, playlist)"
    ).fetchone()
    assert found == one(onnx_runtime, "next_songs_for_playlist(7, 3)")
    track_uri = uris(onnx_runtime, 7)[0]
    (found,) = onnx_runtime.execute(
        "select similar_tracks(track_uri, 3) "
        "from (select ? as track_uri, 'x' as track, [] as vector)",
        [track_uri],
    ).fetchone()
    assert found == one(onnx_runtime, "similar_tracks(?, 3)", track_uri)


def test_sql_gives_the_answers_of_the_graph_in_onnxruntime(onnx_runtime):
    """The champion's bytes from the registry run in plain onnxruntime."""
    (content,) = onnx_runtime.execute(
        "select onnx from ml.model_artifacts inner join ml.champions using (model_id) "
        "where task = 'next_song'"
    ).fetchone()
    graph = export.session(content)
    call = "next_songs({}, 100, allow_other_versions := true)"
    rows = onnx_runtime.execute(
        f"select track_uris, {call.format('track_uris')} from {PLAYLISTS} where playlist_id < 40 "
        f"union all select [], {call.format('[]')}"
    ).fetchall()
    for tracks, songs in rows:
        feeds = {
            "track_uris": np.array([tracks or [""]], dtype=object),
            "title_words": np.full((1, 5), "", dtype=object),
            "asked": np.full((1, 1), "", dtype=object),
        } | no_options(1)
        offered, scores = graph.run(["track_uri", "score"], feeds)
        offered, scores = offered[:, :100], scores[:, :100]
        assert [song["score"] for song in songs] == pytest.approx(scores[0], abs=1e-6)
        own = dict(zip(offered[0], scores[0], strict=True))
        # either of two equal scores may get the last place
        assert len({song["track_uri"] for song in songs} & set(own)) >= 98
        for song, track_uri in zip(songs, offered[0], strict=True):
            # the order differs only if the scores are equal
            assert own.get(song["track_uri"], song["score"]) == pytest.approx(
                own[track_uri], abs=1e-6
            )


@pytest.mark.slow
def test_a_playlist_without_tracks_is_answered_by_its_title(copy, sample):
    ((title,),) = copy.query("select title from staging.stg_mpd__playlists where playlist_id = 7")
    with duckdb.connect(copy.database) as connection:
        connection.execute("delete from staging.stg_mpd__playlist_tracks where playlist_id = 7")
    copy.dbt("run", "--select", "fct_playlist_next_songs", HITPARADE_SAMPLE=str(sample))
    with duckdb.connect(copy.database, read_only=True) as connection:
        udfs.register(connection)
        songs = one(connection, "next_songs_for_title(?, 10)", title)
        assert one(connection, "next_songs_for_playlist(7, 10)") == songs
        stored = connection.execute(
            "select track_uri from fct_playlist_next_songs where playlist_id = 7 order by song_rank"
        ).fetchall()
        assert stored == [(song["track_uri"],) for song in songs]


# On the SQL backend


@pytest.mark.parametrize(
    ("call", "stored"),
    [
        ("next_songs([], 3)", "fct_playlist_next_songs"),
        ("next_songs_for_title('x', 3)", "fct_playlist_next_songs"),
        ("next_songs_for_playlist(7, 3)", "fct_playlist_next_songs"),
        ("next_song_score([], 'x')", "fct_playlist_next_songs"),
        ("track_vector('x')", "fct_track_vectors"),
    ],
)
def test_the_error_on_the_sql_backend_names_the_next_step(sql_backend, call, stored):
    message = f"call it in Python after udfs.register\\(connection\\), or read {stored}"
    with pytest.raises(duckdb.Error, match=message):
        one(sql_backend, call)


def test_similar_tracks_work_on_the_sql_backend(sql_backend, onnx_runtime):
    track = uris(sql_backend, 7)[0]
    query = "similar_tracks(?, 5)"
    assert one(sql_backend, query, track) == one(onnx_runtime, query, track)
