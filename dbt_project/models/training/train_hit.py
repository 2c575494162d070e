def model(dbt, session):
    from models_py.runs import train

    return train(
        "hit",
        features=dbt.ref("feat_hit"),
        algorithms=dbt.config.meta_get("algorithms"),
        definition=dbt.config.meta_get("definition"),
        history=session.sql(f"select * from {dbt.this}") if dbt.is_incremental else None,
        promotions=dbt.source("ml", "promotions"),
        ceilings=dbt.ref("stg_raw__ceilings"),
    )
