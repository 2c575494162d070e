#!/usr/bin/env bash
# Superset in an environment of its own, and a tour of it in Chromium: on a published file, then on a server of that
# file with the dashboard of this folder: tour.sh hitparade.duckdb
# Wants 1.3 GB of disk for the environment, and the extras `serve` and `test` (playwright, pillow) in .venv.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
file=$(realpath "$1")
name=$(basename "$file" .duckdb)
port=15432
export SUPERSET_HOME=${SUPERSET_HOME:-$here/.superset}
export SUPERSET_CONFIG_PATH=$here/superset_config.py FLASK_APP=superset
rm -rf "$SUPERSET_HOME/superset.db"
mkdir -p "$SUPERSET_HOME"
[ -d "$SUPERSET_HOME/venv" ] || python3.11 -m venv "$SUPERSET_HOME/venv"
"$SUPERSET_HOME/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
SUPERSET_SECRET_KEY=$(python3.11 -c "import secrets; print(secrets.token_hex(24))")
export SUPERSET_SECRET_KEY
superset=$SUPERSET_HOME/venv/bin/superset
python=${PYTHON:-$root/.venv/bin/python}
images=${IMAGES:-$here/../images}
address=postgresql+psycopg2://hitparade@127.0.0.1:$port/$name
"$superset" db upgrade
"$superset" fab create-admin --username admin --password admin --firstname A --lastname B --email a@example.com
"$superset" init
"$python" "$here/bundle.py" "$SUPERSET_HOME/hitparade.zip" "$address"
"$superset" import-dashboards --path "$SUPERSET_HOME/hitparade.zip" --username admin
"$superset" run --port 8088 &
servers=$!
trap 'kill $servers' EXIT
HITPARADE_DATABASE=$file PYTHONPATH=$root "$(dirname "$python")/hitparade" serve --port $port --no-http \
    --audit "$SUPERSET_HOME/audit.jsonl" &
servers+=" $!"
until curl --silent --fail http://127.0.0.1:8088/health > /dev/null; do sleep 1; done
until (: > /dev/tcp/127.0.0.1/$port) 2> /dev/null; do sleep 1; done
"$python" "$here/tour.py" http://127.0.0.1:8088 "$file" "$images"
"$python" "$here/tour_postgres.py" http://127.0.0.1:8088 "$address" "$images"
