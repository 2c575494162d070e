"""Pack the dashboard for `superset import-dashboards`.

python bundle.py hitparade.zip postgresql+psycopg2://hitparade@127.0.0.1:5432/hitparade
"""

import sys
import zipfile
from pathlib import Path

FOLDER = Path(__file__).with_name("dashboard")
ADDRESS = "postgresql+psycopg2://hitparade@127.0.0.1:5432/hitparade"


def pack(bundle: Path, address: str = ADDRESS) -> None:
    """Write the bundle, with the address of the server that its charts ask."""
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(FOLDER.rglob("*.yaml")):
            text = file.read_text().replace(ADDRESS, address)
            packed.writestr(f"hitparade/{file.relative_to(FOLDER)}", text)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), *sys.argv[2:])
