"""`hitparade parquet`: write the playlists of a warehouse as Parquet files for other tools."""

from pathlib import Path

from hitparade.warehouse import opened

# The first two tables are written as a folder for each slice, the others as one file each.
PARTITIONED = {
    "playlists": "from staging.stg_mpd__playlists",
    "playlist_tracks": """
        select tracks.*, playlists.slice
        from staging.stg_mpd__playlist_tracks as tracks
        inner join staging.stg_mpd__playlists as playlists using (playlist_id)
        order by playlist_id, position
    """,
}
WHOLE = ("tracks", "artists", "albums")


def write(database: Path, folder: Path) -> list[Path]:
    """Write playlists, playlist_tracks, tracks, artists and albums; return the path of each.

    Raises:
        WarehouseError: there is no warehouse, or the files cannot be written.
        OSError: the folder cannot be created, or is not empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: name a new folder, or empty this one")
    written = []
    with opened(database) as connection:
        for name, query in PARTITIONED.items():
            written.append(folder / name)
            connection.execute(
                f"copy ({query}) to ? (format parquet, partition_by (slice))", [str(written[-1])]
            )
        for name in WHOLE:
            written.append(folder / f"{name}.parquet")
            query = f"copy staging.stg_mpd__{name} to ? (format parquet)"
            connection.execute(query, [str(written[-1])])
    return written
