"""The numbers of Prometheus that HTTP adds to those of the audit."""

from collections.abc import Iterator, Mapping

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from hitparade.serve.audit import BUCKETS, Audit
from hitparade.serve.http.functions import Catalogs
from hitparade.serve.pool import Pool


class Metrics:
    """Counts requests and predictions."""

    def __init__(self, audit: Audit, pool: Pool, catalogs: Catalogs):
        """Add the numbers to those of the audit."""
        self._requests = Counter(
            "hitparade_http_requests",
            "HTTP requests, by path and status",
            ("path", "status"),
            registry=audit.registry,
        )
        self._seconds = Histogram(
            "hitparade_http_request_seconds",
            "Time of an HTTP request until the end of its answer",
            ("path",),
            buckets=BUCKETS,
            registry=audit.registry,
        )
        self._rows = Counter(
            "hitparade_function_rows",
            "Rows that POST /predict has sent to a function, by the model that answers",
            ("function", "model_id"),
            registry=audit.registry,
        )
        audit.registry.register(_Present(pool, catalogs))

    def requested(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def predicted(self, function: str, rows: Mapping[str, int]) -> None:
        """Count the rows of a request, by model."""
        for model_id, count in rows.items():
            self._rows.labels(function, model_id).inc(count)


class _Present(Collector):
    """What is so now: workers, the file, the champions."""

    def __init__(self, pool: Pool, catalogs: Catalogs):
        self._pool, self._catalogs = pool, catalogs

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers."""
        workers = GaugeMetricFamily(
            "hitparade_workers", "Worker processes, by what they do", labels=["state"]
        )
        workers.add_metric(["busy"], self._pool.busy())
        workers.add_metric(["idle"], self._pool.size() - self._pool.busy())
        yield workers
        yield GaugeMetricFamily(
            "hitparade_workers_replaced",
            "Worker processes that ended and were replaced",
            self._pool.replaced,
        )
        if (known := self._catalogs.known) is not None:
            yield InfoMetricFamily(
                "hitparade_file", "The file whose functions answer", {"version": known.file}
            )
            champions = GaugeMetricFamily(
                "hitparade_champion", "1 for the champion of each task", labels=["task", "model_id"]
            )
            for task, model_id in known.champions.items():
                champions.add_metric([task, model_id], 1)
            yield champions
