"""What the command line says, where no warehouse is needed."""

from hitparade.pipeline.dbt import without_leak_report


def test_a_leak_report_hides_no_line_of_dbt():
    report = (
        "nanobind: leaked 2 instances!\n"
        ' - leaked instance 0x7f of type "_duckdb.DuckDBPyConnection"\n'
        " - ... skipped remainder\n"
        "See https://nanobind.readthedocs.io/en/latest/refleaks.html\n"
    )
    said = "Runtime Error\n  - model.hitparade.int_tracks leaked rows\n"
    assert "".join(without_leak_report(report + said)) == said
