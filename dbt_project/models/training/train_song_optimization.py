def model(dbt, session):
    from models_py.runs import train_song_optimization

    return train_song_optimization(
        features=dbt.ref("feat_song_optimization"),
        genres=dbt.ref("genres"),
        algorithms=dbt.config.meta_get("algorithms"),
        definition=dbt.config.meta_get("definition"),
        history=session.sql(f"select * from {dbt.this}") if dbt.is_incremental else None,
        promotions=dbt.source("ml", "promotions"),
    )
