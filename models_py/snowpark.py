"""Training inside Snowflake: relations and registry rows by way of a Snowpark session.

A training model is the same Python in every warehouse. What it reads are relations with the few
methods of DuckDB's that it calls; here they stand before Snowpark's data frames.
"""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
from snowflake.snowpark import DataFrame, Session
from snowflake.snowpark import types as snowflake_types

# A graph is a file there: a binary value may not be as large as the largest of them.
GRAPHS = "ml.models"
# The portable lane is DuckDB's: in Snowflake the functions run the graphs themselves.
LEFT_OUT = ("onnx", "portable")
STRUCTURED = (snowflake_types.ArrayType, snowflake_types.VariantType, snowflake_types.MapType)


@dataclass(frozen=True)
class Relation:
    """A data frame as training reads it; what DuckDB has in `onnx` is read from the stage."""

    frame: DataFrame

    def filter(self, condition: str) -> "Relation":
        """Return the rows for which a condition in SQL holds."""
        return Relation(self.frame.filter(condition))

    def select(self, *names: str) -> "Relation":
        """Return columns by name."""
        return Relation(self.frame.select(*names))

    def to_arrow_table(self) -> pa.Table:
        """Return all rows, in the types that DuckDB would give them."""
        fields = self.frame.schema.fields
        names = [field.name.strip('"').lower() for field in fields]
        rows = [list(row) for row in self.frame.collect()]
        columns = {}
        for place, (name, field) in enumerate(zip(names, fields, strict=True)):
            values = [row[place] for row in rows]
            if isinstance(field.datatype, STRUCTURED):
                values = [None if value is None else json.loads(value) for value in values]
            columns[name] = _array([_number(value) for value in values], field.datatype)
        if "onnx" in columns:
            graphs = [self._graph(model_id) for model_id in columns["model_id"].to_pylist()]
            columns["onnx"] = pa.array(graphs, pa.binary())
        return pa.table(columns)

    def _graph(self, model_id: str) -> bytes:
        with self.frame.session.file.get_stream(f"@{GRAPHS}/{model_id}.onnx") as stream:
            return stream.read()


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _array(values: list, type: snowflake_types.DataType) -> pa.Array:
    """Values as DuckDB would type them: for Snowflake all whole numbers are one type."""
    if isinstance(type, snowflake_types.StringType):
        return pa.array(values, pa.string())
    if isinstance(type, snowflake_types.BooleanType):
        return pa.array(values, pa.bool_())
    if isinstance(type, snowflake_types.FloatType | snowflake_types.DoubleType):
        return pa.array(values, pa.float64())
    if isinstance(type, snowflake_types.DecimalType) and type.scale:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if isinstance(type, snowflake_types.LongType | snowflake_types.DecimalType):
        return pa.array(values, pa.int64())
    return pa.array(values)


def session_of(arguments: Iterable) -> Session | None:
    """Return the session of the data frames among arguments; None where there are none."""
    frames = [argument for argument in arguments if isinstance(argument, DataFrame)]
    return frames[0].session if frames else None


def readable(argument: Any) -> Any:
    """Return what training can read: data frames as relations, anything else as it is."""
    if isinstance(argument, dict):
        return {name: readable(value) for name, value in argument.items()}
    return Relation(argument) if isinstance(argument, DataFrame) else argument


def stored(session: Session, rows: pa.Table) -> DataFrame:
    """Put the graphs of registry rows to their stage; return the rows as they are kept there."""
    for row in rows.select(["model_id", "onnx"]).to_pylist():
        session.file.put_stream(
            io.BytesIO(row["onnx"]),
            f"@{GRAPHS}/{row['model_id']}.onnx",
            auto_compress=False,
            overwrite=True,
        )
    fields = [snowflake_types.StructField(field.name, _type(field.type)) for field in rows.schema]
    values = [
        [None if name in LEFT_OUT else value for name, value in row.items()]
        for row in rows.to_pylist()
    ]
    return session.create_dataframe(values, snowflake_types.StructType(fields))


def _type(type: pa.DataType) -> snowflake_types.DataType:
    if pa.types.is_list(type):
        return snowflake_types.ArrayType(snowflake_types.VariantType())
    if pa.types.is_struct(type):
        return snowflake_types.VariantType()
    if pa.types.is_timestamp(type):
        return snowflake_types.TimestampType(snowflake_types.TimestampTimeZone.NTZ)
    if pa.types.is_integer(type):
        return snowflake_types.LongType()
    if pa.types.is_floating(type):
        return snowflake_types.DoubleType()
    if pa.types.is_boolean(type):
        return snowflake_types.BooleanType()
    if pa.types.is_binary(type):
        return snowflake_types.BinaryType()
    return snowflake_types.StringType()
