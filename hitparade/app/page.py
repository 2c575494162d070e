"""The what-if page: a Streamlit script, run by `hitparade app`, or as Streamlit in Snowflake.

No model runs here and no number is computed here: each panel runs one SQL query, and shows it.
"""

import streamlit as st

from hitparade.app import queries
from hitparade.app.inputs import choose_song
from hitparade.app.panels import show_song
from hitparade.app.sessions import FileSession, SessionError, snowflake_session


@st.cache_resource
def file_session() -> FileSession:
    """Return the session of this process, which all visitors of the page share."""
    from hitparade.project import database

    return FileSession(database())


def main() -> None:
    """Draw the page."""
    st.set_page_config("hitparade", page_icon="🎵", layout="wide")
    st.title("What makes a hit?")
    session = snowflake_session() or file_session()
    try:
        champions = {row["task"]: row for row in session.rows(queries.CHAMPIONS)}
        presets = session.rows(queries.PRESETS)
        genres = [row["genre"] for row in session.rows(queries.GENRES)]
    except SessionError as error:
        st.error(str(error))
        st.stop()
    left, right = st.columns([2, 3], gap="large")
    with left:
        song = choose_song(session, presets, genres)
    with right:
        show_song(session, champions, song)


main()
