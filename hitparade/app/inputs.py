"""The left side of the page: choose a song by sliders, a preset, a search or JSON."""

import json

import streamlit as st

from hitparade.app import queries, songs
from hitparade.app.generated.tasks import ARGUMENTS
from hitparade.app.panels import panel
from hitparade.app.sessions import Session

CUSTOM = "Custom"


def choose_song(session: Session, presets: list[dict], genres: list[str]) -> songs.Song:
    """Draw the inputs, and return the song that they describe."""
    st.session_state.setdefault("start", songs.START)
    st.session_state.setdefault("times_set", 0)
    st.subheader("A song")
    known = {row["preset"]: row for row in presets}
    st.selectbox(
        "Preset",
        [CUSTOM, *known],
        key="preset",
        on_change=lambda: take_preset(known),
        help="Sets all inputs. Custom leaves them as they are.",
    )
    panel(lambda: search(session))
    paste()
    for note in st.session_state.get("notes", []):
        st.info(note)
    start = st.session_state["start"]
    sliders([one for one in songs.SLIDERS if one.name in ARGUMENTS["hit"]], start)
    with st.expander("More inputs"):
        sliders([one for one in songs.SLIDERS if one.name not in ARGUMENTS["hit"]], start)
        columns = st.columns(len(songs.FLAGS))
        for column, (name, help) in zip(columns, songs.FLAGS.items(), strict=True):
            label = name.replace("is_", "").replace("mode", "major")
            column.checkbox(label, start[name], key=key_of(name), help=help)
        st.multiselect(
            "Genres",
            sorted({*genres, *start["genres"]}),
            start["genres"],
            key=key_of("genres"),
            help="The genres of the tracks. A genre that a model does not know is ignored.",
        )
    return drawn_song()


def sliders(inputs: list[songs.Input], start: songs.Song) -> None:
    """Draw sliders in two columns."""
    columns = st.columns(2)
    for place, one in enumerate(inputs):
        kind = int if one.is_whole else float
        columns[place % 2].slider(
            one.label,
            kind(one.low),
            kind(one.high),
            kind(start[one.name]),
            kind(one.step),
            key=key_of(one.name),
            help=one.help,
        )


def key_of(name: str) -> str:
    """Return the key of an input.

    An input that the page sets is a new one, with a new start value. An assignment to the state of
    the old one would be lost if the browser has not drawn it yet.
    """
    return f"{name} {st.session_state['times_set']}"


def drawn_song() -> songs.Song:
    """Return the values of the inputs as they are drawn."""
    start = st.session_state["start"]
    return {name: st.session_state.get(key_of(name), start[name]) for name in songs.NAMES}


def take(song: songs.Song) -> None:
    """Set the inputs to those of a song; inputs that it lacks stay as they are."""
    st.session_state["notes"] = songs.outside(song)
    st.session_state["start"] = drawn_song() | songs.on_sliders(song)
    st.session_state["times_set"] += 1


def take_preset(known: dict[str, dict]) -> None:
    """Set the inputs to those of the preset that was chosen."""
    name = st.session_state["preset"]
    if name != CUSTOM:
        preset = dict(known[name])
        preset["genres"] = preset.pop("genres_text").split(";")
        take_row(preset)


def take_row(row: dict) -> None:
    """Set all inputs to those of a row of a table, and say which of them are missing."""
    known = {name: row[name] for name in songs.NAMES if row.get(name) is not None}
    known |= {name: bool(known[name]) for name in songs.FLAGS if name in known}
    take(songs.START | known)
    st.session_state["notes"] += songs.missing(known)


def search(session: Session) -> None:
    """Draw the search among the tracks."""
    words = st.text_input("Search the tracks", key="words", placeholder="a title or an artist")
    if not words:
        return
    found = {row["track_id"]: row for row in session.rows(queries.found_tracks(words))}
    if not found:
        st.caption(f"No track and no artist has “{words}”.")
        return
    st.selectbox(
        f"{len(found)} tracks, the most popular first",
        [None, *found],
        format_func=lambda id: name_of(found[id]) if id else "choose one",
        key="found",
        on_change=lambda: take_track(found),
    )


def name_of(track: dict) -> str:
    """Return the name, artists and popularity of a track as one line."""
    return f"{track['track_name']} · {track['artists']} ({track['popularity']})"


def take_track(found: dict[str, dict]) -> None:
    """Set the inputs to those of the track that was chosen."""
    if st.session_state["found"]:
        take_row(found[st.session_state["found"]])
        st.session_state["preset"] = CUSTOM


def paste() -> None:
    """Draw the field for a song as JSON."""
    with st.expander("Paste a song as JSON"):
        example = {"energy": 0.8, "tempo": 124, "genres": ["pop"]}
        st.text_area("JSON", key="json", placeholder=json.dumps(example))
        st.button("Use it", on_click=take_json)
        if error := st.session_state.pop("json_error", None):
            st.error(error)


def take_json() -> None:
    """Set the inputs to those of the JSON that was pasted."""
    try:
        song, ignored = songs.parsed(st.session_state["json"])
        take(song)
        if ignored:
            st.session_state["notes"].append(f"No input is named {', '.join(ignored)}: ignored.")
        st.session_state["preset"] = CUSTOM
    except songs.SongError as error:
        st.session_state["json_error"] = str(error)
