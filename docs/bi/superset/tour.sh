#!/usr/bin/env bash
# Superset in an environment of its own on a published file, and a tour of it in Chromium: tour.sh hitparade.duckdb
# Wants 1.3 GB of disk for the environment, and playwright of the extra `test` for the browser (.venv/bin/python).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
file=$(realpath "$1")
export SUPERSET_HOME=${SUPERSET_HOME:-$here/.superset}
export SUPERSET_CONFIG_PATH=$here/superset_config.py FLASK_APP=superset
rm -rf "$SUPERSET_HOME/superset.db"
mkdir -p "$SUPERSET_HOME"
[ -d "$SUPERSET_HOME/venv" ] || python3.11 -m venv "$SUPERSET_HOME/venv"
"$SUPERSET_HOME/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
SUPERSET_SECRET_KEY=$(python3.11 -c "import secrets; print(secrets.token_hex(24))")
export SUPERSET_SECRET_KEY
superset=$SUPERSET_HOME/venv/bin/superset
"$superset" db upgrade
"$superset" fab create-admin --username admin --password admin --firstname A --lastname B --email a@example.com
"$superset" init
"$superset" run --port 8088 &
server=$!
trap 'kill $server' EXIT
until curl --silent --fail http://127.0.0.1:8088/health > /dev/null; do sleep 1; done
"${PYTHON:-$here/../../../.venv/bin/python}" "$here/tour.py" http://127.0.0.1:8088 "$file" "$here/../images"
