"""The Python client: query.py FOLDER DATABASE SQL; FOLDER contains the package duckdb."""

import json
import sys

folder, database, sql = sys.argv[1:]
sys.path.insert(0, folder)

import duckdb  # noqa: E402

with duckdb.connect(database, read_only=True) as connection:
    result = connection.execute(sql)
    names = [column[0] for column in result.description]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
print(json.dumps(rows, default=str))
