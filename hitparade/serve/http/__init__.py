"""The HTTP door: functions as `POST /predict/{function}`, queries as `POST /sql`."""

from hitparade.serve.http.app import create_app
from hitparade.serve.http.door import HttpDoor
from hitparade.serve.http.settings import HttpSettings

__all__ = ["HttpDoor", "HttpSettings", "create_app"]
