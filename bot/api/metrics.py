"""`/metrics`: how the process is, for Prometheus. Knowledge bases are named to those who may see them."""

from collections.abc import Collection, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from handlers.services import Process, Services

PATHS = frozenset(
    {"/v1/search", "/v1/knowledge-bases", "/v1/unanswered", "/mcp", "/metrics", "/healthz", "/readyz", "/openapi.json"}
)
OTHER = "other"
"""What is asked for elsewhere, under whatever address: each address would be a time series."""
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts requests over HTTP since the start, and describes the process when it is asked."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "kotae_http_requests", "Requests over HTTP.", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "kotae_http_request_seconds",
            "How long requests over HTTP took, waiting for their turn included.",
            ["path"],
            buckets=BUCKETS,
            registry=self._registry,
        )

    def count(self, path: str, status: int, seconds: float) -> None:
        """Count a request; a status of 0 means that whoever asked was gone before there was an answer."""
        known = path.rstrip("/") if path.rstrip("/") in PATHS else OTHER
        self._requests.labels(known, str(status)).inc()
        self._seconds.labels(known).observe(seconds)

    def exposition(self, services: Services, named: Collection[str]) -> bytes:
        """Return all metrics as text; of knowledge bases, those that may be `named`."""
        return generate_latest(self._registry) + generate_latest(_State(services, named))


class _State:
    """The process at this moment."""

    def __init__(self, services: Services, named: Collection[str]) -> None:
        self._services = services
        self._named = named

    def collect(self) -> Iterable[Metric]:
        """Yield each metric."""
        process = self._services.process()
        yield _gauge("kotae_uptime_seconds", "Since the process began.", process.uptime)
        yield _gauge("kotae_memory_bytes", "Resident memory.", process.memory * 1e6)
        if process.pong_age is not None:
            yield _gauge("kotae_slack_pong_age_seconds", "Since Slack last answered a ping.", process.pong_age)
        is_wanted = process.model is not None
        missing = is_wanted and not process.model_loaded
        yield _gauge("kotae_model_missing", "1 while the search is by words only, against the settings.", missing)
        in_trouble = self._services.database.trouble is not None
        yield _gauge("kotae_database_failing", "1 while the state database can't be written.", in_trouble)
        yield from _counted(process)
        yield from self._knowledge_bases()

    def _knowledge_bases(self) -> Iterable[Metric]:
        registry = self._services.registry
        loaded = registry.loaded
        yield _gauge("kotae_knowledge_bases", "Knowledge bases that can be searched.", len(loaded))
        yield _gauge("kotae_knowledge_bases_failed", "Files that can't be used at all.", len(registry.failures))
        rows = GaugeMetricFamily(
            "kotae_rows", "Rows of the knowledge bases that whoever asks may see.", labels=["knowledge_base"]
        )
        for name in self._named:
            if name in loaded:
                rows.add_metric([name], len(loaded[name].index))
        yield rows


def _counted(process: Process) -> Iterable[Metric]:
    waiting = GaugeMetricFamily("kotae_waiting", "Requests that wait for their turn.", labels=["kind"])
    for kind, number in process.waiting.items():
        waiting.add_metric([kind], number)
    yield waiting
    events = CounterMetricFamily("kotae_events", "What happened since the start, as in kotae status.", labels=["what"])
    for what, number in process.counts.items():
        events.add_metric([what], number)
    yield events


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)
