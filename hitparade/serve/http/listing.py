"""`GET /functions`, `/openapi.json` and `/docs`: three views of one catalog."""

import json

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from hitparade.serve.http.functions import Catalog
from hitparade.serve.http.openapi import document
from hitparade.serve.http.page import POLICY, page
from hitparade.serve.http.service import service_of


async def functions(request: Request) -> Response:
    """List the functions."""
    catalog = await _catalog(request)
    listed = [each.as_dict() for each in catalog.functions.values()]
    return JSONResponse({"file": catalog.file, "functions": listed})


async def function(request: Request) -> Response:
    """Describe one function."""
    catalog = await _catalog(request)
    return JSONResponse(catalog.named(request.path_params["function"]).as_dict())


async def openapi(request: Request) -> Response:
    """Return the OpenAPI document."""
    text = json.dumps(document(await _catalog(request)))
    return Response(text, media_type="application/json")


async def docs(request: Request) -> Response:
    """Return the page that describes everything."""
    text = page(await _catalog(request))
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})


async def _catalog(request: Request) -> Catalog:
    service = service_of(request)
    await service.gate.user(request)
    return await service.catalogs.current()
