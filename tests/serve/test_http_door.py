"""The HTTP server itself: TLS, the end of the server, and a file that is published meanwhile."""

import os
import shutil
import ssl
import subprocess
import threading
import time

import duckdb
import httpx
import pytest

import udfs
from tests.serve.http_door import running

HIT = {"danceability": 0.7, "energy": 0.8, "valence": 0.5, "tempo": 120}


def test_answers_are_encrypted(warehouse, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *(
                "-nodes",
                "-keyout",
                key,
                "-out",
                certificate,
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    with running(warehouse.database, tls=served) as door:
        trusted = ssl.create_default_context(cafile=certificate)
        url = f"https://127.0.0.1:{door.port}/predict/predict_hit"
        assert httpx.post(url, json=HIT, verify=trusted).status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.post(url.replace("https", "http"), json=HIT)


def test_a_server_that_ends_answers_first(warehouse):
    sql = "select count(*) from range(400000000) as t(n) where hash(n) % 7 = 1"
    found = []
    with running(warehouse.database) as door:
        asking = threading.Thread(
            target=lambda: found.append(
                httpx.post(f"http://127.0.0.1:{door.port}/sql", json={"sql": sql}, timeout=60)
            )
        )
        asking.start()
        end = time.monotonic() + 10
        while door.pool.busy() == 0:
            assert time.monotonic() < end
    asking.join()
    assert found[0].status_code == 200
    assert found[0].json()["rows"][0][0] > 0


@pytest.fixture
def published(warehouse, tmp_path):
    """A file that is published, and two to publish: the second has another champion of hit."""
    first, original, second = (tmp_path / f"{name}.duckdb" for name in ("songs", "a", "b"))
    shutil.copy(warehouse.database, first)
    shutil.copy(warehouse.database, original)
    shutil.copy(warehouse.database, second)
    with duckdb.connect(second) as connection:
        (other,) = connection.execute(
            "select model_id from ml.served_models where task = 'hit' and is_newest"
            " and model_id not in (select model_id from ml.champions)"
            " order by algorithm = 'logistic_regression' desc"  # a function that names no model
        ).fetchone()
        udfs.promote(connection, "hit", other)
    return first, original, second


def score(path):
    with duckdb.connect(path, read_only=True) as connection:
        udfs.register(connection)
        return connection.execute(
            "select predict_hit(0.7, 0.8, 0.5, 120),"
            " (select model_id from ml.champions where task = 'hit')"
        ).fetchone()


def test_an_answer_names_the_model_that_gave_it(published):
    first, original, second = published
    right = {model: value for value, model in (score(first), score(second))}
    assert len(right) == 2
    seen, failed, stop = set(), [], threading.Event()

    def ask(http):
        while not stop.is_set():
            answer = http.post("/predict/predict_hit", json=[HIT] * 3)
            if answer.status_code != 200:
                failed.append(answer.text)
                return
            found = answer.json()
            seen.add(found["model_id"])
            if found["results"] != [pytest.approx(right[found["model_id"]], rel=1e-5)] * 3:
                failed.append(answer.text)

    with running(first, workers=2) as door, door.client() as http:
        threads = [threading.Thread(target=ask, args=(http,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for source in (second, original, second):
            time.sleep(0.5)
            new = first.with_suffix(".new")
            shutil.copy(source, new)
            os.replace(new, first)
        time.sleep(1)
        stop.set()
        for thread in threads:
            thread.join()
        told = http.get("/functions/predict_hit").json()
        assert told["model_id"] == score(first)[1]
        time.sleep(1.1)  # an answer of /ready holds for a second
        assert http.get("/ready").json()["file"] == door.pool.file()
    assert not failed
    assert seen == {*right}


def test_a_missing_file_is_told_and_found_again(published):
    first, original, _ = published
    with running(first) as door, door.client() as http:
        assert http.post("/predict/predict_hit", json=HIT).status_code == 200
        first.unlink()
        for method, path in (("POST", "/predict/predict_hit"), ("GET", "/ready"), ("GET", "/docs")):
            response = http.request(method, path, json=HIT)
            assert (response.status_code, response.json()["sqlstate"]) == (503, "58030"), path
        assert http.get("/health").status_code == 200
        shutil.copy(original, first)
        assert http.post("/predict/predict_hit", json=HIT).status_code == 200
