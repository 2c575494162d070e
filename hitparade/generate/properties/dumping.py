"""Properties as YAML."""

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Writes lists indented and without anchors, so that each entry can be read by itself."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dumped(content: dict) -> str:
    """Return content as YAML."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
