def model(dbt, session):
    from models_py.runs import train_next_song

    return train_next_song(
        playlists=dbt.ref("feat_next_song"),
        tracks=dbt.ref("feat_next_song_tracks"),
        edges=dbt.ref("feat_next_song_edges"),
        algorithms=dbt.config.meta_get("algorithms"),
        definition=dbt.config.meta_get("definition"),
        history=session.sql(f"select * from {dbt.this}") if dbt.is_incremental else None,
        promotions=dbt.source("ml", "promotions"),
        ceilings=dbt.ref("stg_raw__ceilings"),
    )
