"""The right side of the page: the models' answers for a song, each panel with its SQL."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from hitparade.app import queries, songs
from hitparade.app.generated.tasks import ANSWERS, LABELS
from hitparade.app.sessions import Session, SessionError


def show_song(session: Session, champions: dict[str, dict], song: songs.Song) -> None:
    """Draw all panels of a song."""
    present = set(champions)
    relation = queries.song_relation(song, session.text_list)
    panel(lambda: show_numbers(session, champions, relation))
    why, top, change, playlist = st.tabs(
        ["Why", "Beside the Top 100", "What to change", "What comes next"]
    )
    with why:
        panel(lambda: show_why(session, present, relation))
    with top:
        panel(lambda: show_profile(session, song))
    with change:
        panel(lambda: show_advice(session, present, relation))
    with playlist:
        panel(lambda: show_next_songs(session, present))


def panel(draw: Callable[[], None]) -> None:
    """Draw a panel; an error in one panel leaves the others intact."""
    try:
        draw()
    except SessionError as error:
        st.error(str(error))


def show_numbers(session: Session, champions: dict[str, dict], relation: str) -> None:
    """Draw the answers of all tasks side by side."""
    algorithms = [row["algorithm"] for row in session.rows(queries.ALGORITHMS)]
    present = set(ANSWERS) & set(champions)
    if not present:
        st.warning("There is no champion yet: put files in data/raw and run `hitparade build`.")
        return
    sql = queries.numbers(relation, present, algorithms)
    (row,) = session.rows(sql)
    st.subheader("Chance of a hit")
    if "hit" in present:
        columns = st.columns(len(algorithms))
        for place, (column, algorithm) in enumerate(zip(columns, algorithms, strict=True)):
            is_champion = algorithm == champions["hit"]["champion"]
            label = algorithm.replace("_", " ") + (" ★" if is_champion else "")
            # The champion may be an older version of its algorithm.
            column.metric(label, percent(row["hit" if is_champion else f"hit_{place}"]))
        st.caption(f"★ the champion: {worth(champions['hit'])}")
    else:
        say_why_not(session, "hit")
    left, middle, right = st.columns(3)
    with left:
        show_metric(session, champions, row, "tier", "Tier", str)
    with middle:
        show_metric(session, champions, row, "popularity", "Popularity", lambda p: f"{p:.0f}")
    with right:
        show_metric(session, champions, row, "log_streams", "Log streams", lambda s: f"{s:.2f}")
        if row.get("streams"):
            st.caption(f"about {row['streams']:,.0f} streams")
    if row.get("tiers"):
        tiers = [{"tier": tier, "chance": by_name(row["tiers"], tier)} for tier in LABELS["tier"]]
        st.bar_chart(tiers, x="tier", y="chance", sort=False, height=200)
    for task in queries.others(present):
        show_metric(session, champions, row, task, task.replace("_", " ").capitalize(), short)
        st.caption(f"That is {ANSWERS[task]}.")
    if "unusual" in row:
        for finding in row["unusual"]:
            st.caption(f"⚠ {finding}")
        if not row["unusual"]:
            st.caption("Nothing about this song is unusual to the champion of popularity.")
    show_sql(sql)


def show_metric(
    session: Session,
    champions: dict[str, dict],
    row: dict,
    task: str,
    label: str,
    text: Callable[[Any], str],
) -> None:
    """Draw the answer of a task, with the verdict on its champion."""
    if task not in row:
        say_why_not(session, task)
        return
    st.metric(label, "none" if row[task] is None else text(row[task]))
    st.caption(f"{champions[task]['champion'].replace('_', ' ')}: {worth(champions[task])}")


def worth(task: dict) -> str:
    """Return the leaderboard's verdict on a champion."""
    return task["verdict"] or "not measured in the newest build"


def say_why_not(session: Session, task: str) -> None:
    """Draw the reason why a task has no answer."""
    rows = session.rows(queries.REASON.format(task=task))
    reason = rows[0]["reason"] if rows else "its source has no rows to train on"
    st.info(f"No model answers {task.replace('_', ' ')}: {reason}.")


def show_why(session: Session, present: set[str], relation: str) -> None:
    """Draw what each input adds to an answer, and the champion's importances over all songs."""
    explained = [task for task in ANSWERS if task in present]
    if not explained:
        st.info("There is no champion to explain.")
        return
    task = st.selectbox("Answer", explained, format_func=lambda name: ANSWERS[name])
    sql = queries.explanation(relation, task)
    terms = session.rows(sql)[0]["terms"]
    if terms is None:
        st.info("A song with a missing number has no answer to explain.")
    else:
        average, *others = terms
        st.write(
            f"The model's average over other songs is **{average['contribution']:.3g}**. What each "
            "input of this song adds to it, up to the answer:"
        )
        st.bar_chart(others, x="feature", y="contribution", horizontal=True, sort="-contribution")
    show_sql(sql)
    sql = queries.IMPORTANCE.format(task=task)
    st.write("Which inputs matter over all songs: how much worse the model is without each.")
    st.bar_chart(
        session.rows(sql), x="feature", y="importance", horizontal=True, sort="-importance"
    )
    show_sql(sql)


def show_profile(session: Session, song: songs.Song) -> None:
    """Draw the song beside the Top 100 and all songs."""
    rows = [
        {
            "input": one["feature"],
            "this song": float(song[one["feature"]]),
            "Top 100": one["top_100_mean"],
            "all": one["all_mean"],
            "Top 100 above all, in sd": one["difference_in_sd"],
        }
        for one in session.rows(queries.PROFILE)
        if one["feature"] in song
    ]
    st.dataframe(rows, hide_index=True)
    show_sql(queries.PROFILE)


def show_advice(session: Session, present: set[str], relation: str) -> None:
    """Draw the song before and after its optimization."""
    if "song_optimization" not in present:
        st.info("No optimizer is better than chance on these songs, so none is shown.")
        return
    sql = queries.advice(relation)
    (row,) = session.rows(sql)
    advice = row["advice"]
    if advice is None:
        st.info("A song with a missing number cannot be optimized.")
        show_sql(sql)
        return
    before, after, judged = st.columns(3)
    before.metric(
        "Popularity now",
        f"{advice['popularity_before']:.1f}",
        help="From the optimizer's own nets, not from the champion of popularity.",
    )
    after.metric(
        "After the changes",
        f"{advice['popularity_after']:.1f}",
        f"{advice['popularity_delta']:+.1f}",
    )
    judged.metric(
        "By the held-out evaluator",
        f"{advice['judged_delta']:+.1f}",
        help="From a model that was trained on other artists. Trust this number.",
    )
    st.write(row["sentence"])
    changes = [
        {name: change[name] for name in ("feature", "before", "after", "effect")}
        for change in advice["changes"]
    ]
    if changes:
        st.dataframe(changes, hide_index=True)
        st.bar_chart(changes, x="feature", y="effect", horizontal=True, sort="-effect")
    show_sql(sql)


def show_next_songs(session: Session, present: set[str]) -> None:
    """Draw a playlist and its next songs."""
    if "next_song" not in present:
        st.info("There is no model of next songs yet: put slices of playlists in data/raw.")
        return
    playlist = st.session_state.setdefault("playlist", {})
    words = st.text_input("Add a track", key="playlist_words", placeholder="a title or an artist")
    if words:
        for track in session.rows(queries.found_playlist_tracks(words)):
            label = f"+ {track['track_name']} · {track['artist_name']}"
            st.button(label, key=f"add {track['track_uri']}", on_click=add, args=(track,))
    st.markdown("\n".join(f"{number}. {name}" for number, name in enumerate(playlist.values(), 1)))
    if playlist:
        st.button("Start over", on_click=playlist.clear)
    sql = queries.next_songs(list(playlist))
    found = session.rows(sql)[0]["songs"] or []
    st.write("What comes next" if playlist else "What opens playlists")
    uris = [song["track_uri"] for song in found]
    names = {row["track_uri"]: row for row in session.rows(queries.names_of(uris))} if uris else {}
    rows = [
        {
            "rank": song["rank"],
            # A model may know tracks of slices that have been removed.
            "track": names.get(song["track_uri"], {}).get("track_name", song["track_uri"]),
            "artist": names.get(song["track_uri"], {}).get("artist_name"),
            "score": song["score"],
        }
        for song in found
    ]
    st.dataframe(rows, hide_index=True)
    show_sql(sql)


def add(track: dict) -> None:
    """Put a track at the end of the playlist."""
    st.session_state["playlist"][track["track_uri"]] = (
        f"{track['track_name']} · {track['artist_name']}"
    )


def by_name(values: dict, name: str) -> Any:
    """Return a field of a struct; the case of its name does not matter."""
    return {key.lower(): value for key, value in values.items()}[name.lower()]


def short(answer: float | str) -> str:
    """Return an answer as text: a label, or a number with few digits."""
    return answer if isinstance(answer, str) else f"{answer:.4g}"


def percent(chance: float | None) -> str:
    """Return a probability as a percentage."""
    return "none" if chance is None else f"{100 * chance:.1f}%"


def show_sql(sql: str) -> None:
    """Draw a query, ready to copy."""
    with st.expander("SQL"):
        st.code(sql.strip(), language="sql")
