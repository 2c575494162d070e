"""Training inside Snowflake, with a Snowpark session.

The training code is the same for every warehouse. It reads relations with a few of DuckDB's
methods. This module implements these methods for Snowpark data frames.
"""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from snowflake.snowpark import DataFrame, Session
from snowflake.snowpark import types as snowflake_types

# In Snowflake a graph is a file on a stage, because the largest graphs exceed a BINARY value.
GRAPHS = "ml.models"
# The SQL backend exists in DuckDB only: in Snowflake the functions run the ONNX graphs.
LEFT_OUT = ("onnx", "portable")
STRUCTURED = (snowflake_types.ArrayType, snowflake_types.VariantType, snowflake_types.MapType)


@dataclass(frozen=True)
class Relation:
    """A data frame with the methods that training calls; `onnx` is read from the stage."""

    frame: DataFrame

    def filter(self, condition: str) -> "Relation":
        """Return the rows that fulfill an SQL condition."""
        return Relation(self.frame.filter(condition))

    def select(self, *names: str) -> "Relation":
        """Return columns by name."""
        return Relation(self.frame.select(*names))

    def to_arrow_table(self) -> pa.Table:
        """Return all rows, with the types that DuckDB would return."""
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
    """Return values with DuckDB's type. Snowflake has one type for all whole numbers."""
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
    """Return the session of the data frames among the arguments; None if there are none."""
    frames = [argument for argument in arguments if isinstance(argument, DataFrame)]
    return frames[0].session if frames else None


def readable(argument: Any) -> Any:
    """Wrap data frames, also inside dicts, as relations; return anything else unchanged."""
    if isinstance(argument, dict):
        return {name: readable(value) for name, value in argument.items()}
    return Relation(argument) if isinstance(argument, DataFrame) else argument


def stored(session: Session, rows: pa.Table) -> DataFrame:
    """Write the graphs of registry rows to their stage; return the rows without LEFT_OUT."""
    for row in rows.filter(pc.is_valid(rows["onnx"])).select(["model_id", "onnx"]).to_pylist():
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
