import pytest

from hitparade.serve.postgres.types import postgres_type


@pytest.mark.parametrize(
    ("duckdb_type", "oid", "modifier"),
    [
        ("BOOLEAN", 16, -1),
        ("UTINYINT", 21, -1),
        ("USMALLINT", 23, -1),
        ("UINTEGER", 20, -1),
        ("HUGEINT", 1700, -1),
        ("DECIMAL(10,2)", 1700, 655366),
        ("DECIMAL(38,0)", 1700, 38 * 65536 + 4),
        ("FLOAT", 700, -1),
        ("VARCHAR", 25, -1),
        ("ENUM('a', 'b')", 25, -1),
        ("BLOB", 17, -1),
        ("TIMESTAMP WITH TIME ZONE", 1184, -1),
        ("TIMESTAMP_NS", 1114, -1),
        ("VARCHAR[]", 1009, -1),
        ("FLOAT[3]", 1021, -1),
        ("DECIMAL(10,2)[]", 1231, 655366),
        ("DOUBLE[][]", 114, -1),
        ("STRUCT(a INTEGER[])", 114, -1),
        ("STRUCT(a INTEGER)[]", 114, -1),
        ("MAP(VARCHAR, INTEGER[])", 114, -1),
        ("JSON", 114, -1),
        ("JSON[]", 114, -1),
    ],
)
def test_a_duckdb_type_has_the_id_of_postgresql(duckdb_type, oid, modifier):
    assert postgres_type(duckdb_type) == (oid, modifier)
