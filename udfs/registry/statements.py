"""The SQL statements that change a champion, shared by `udfs.promote` and dbt.

`hitparade generate` writes them as macros. Names in braces are placeholders for the parts that
Python and dbt write differently: the present time in UTC, and values.
"""

from models_py.registry_schema import PORTABLE

# The present time in UTC, in DuckDB.
NOW = "make_timestamp(epoch_us(now()))"
# Later than every earlier promotion, even if a clock was set back.
NEXT_PROMOTION_AT = """greatest(
    {now},
    coalesce(
        (select max(known.promoted_at) from ml.promotions as known) + interval '1 microsecond',
        {now}
    )
)"""
RECORD_PROMOTION = f"""insert into ml.promotions
select {NEXT_PROMOTION_AT}, {{task}}, {{model_id}}, {{reason}}, true, {{is_pinned}}"""
# The columns that identify a row of ml.served_models. Unchanged rows are not rewritten: a model_id
# never changes its meaning, and DuckDB cannot free rewritten rows while others read.
_KEY = "model_id, task, algorithm, is_newest, coalesce(kind, '')"
_COLUMNS = ", ".join(["model_id, task, algorithm, is_newest, inputs", *(f.name for f in PORTABLE)])
# The functions whose stamps changed. They are created again in the transaction of a promotion.
STALE_FUNCTIONS = "select name, statement from ml.stamped_functions where is_stale"
RECORD_FUNCTION = "update ml.function_definitions set statement = {statement} where name = {name}"
RENEW_SERVED_MODELS = (
    f"delete from ml.served_models\nwhere ({_KEY}) not in (select {_KEY} from ml.models_to_serve)",
    f"insert into ml.served_models ({_COLUMNS})\nselect {_COLUMNS}\nfrom ml.models_to_serve\n"
    f"where ({_KEY}) not in (select {_KEY} from ml.served_models)",
)
