"""Logs and metrics: what the platform tells of itself."""

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ioruntime.app.counting import Tally, Timings
from ioruntime.faces.http.call import Call
from ioruntime.invoker.plan import Slot
from ioruntime.model.activation import Activation
from ioruntime.ports.bus import InvocationRequest

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


def configure_logs(level: str, form: str) -> None:
    """Send the platform's own logs to standard error, as lines for people or as JSON."""
    renderer = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    tail = [structlog.processors.format_exc_info, renderer] if form == "json" else [renderer]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *tail,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Lenient(sys.stderr))),  # of a file, it uses no more
        cache_logger_on_first_use=True,
    )


class _Lenient:
    """A stream that loses what cannot be written: a full disk or a closed pipe behind the log must not end the platform."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class Telemetry:
    """Hears of everything that an operator may ask about, counts it and logs what needs somebody."""

    def __init__(self) -> None:
        self._log = structlog.get_logger().bind()  # bound once: an unbound one is made anew for every line
        self.registry = CollectorRegistry()
        self._requests = Tally("ioruntime_requests", "HTTP requests answered.", ["operation", "status"])
        self._activations = Tally("ioruntime_activations", "Activations ended.", ["kind", "status"])
        self._durations = Timings(
            "ioruntime_activation_seconds", "Time in the sandbox, initialisation included.", "kind", _SECONDS
        )
        self._waits = Timings(
            "ioruntime_activation_wait_seconds", "Time from the request to the sandbox that runs it.", "kind", _SECONDS
        )
        for collector in (self._requests, self._activations, self._durations, self._waits):
            self.registry.register(collector)
        self._cold_starts = Counter(
            "ioruntime_cold_starts", "Activations that initialised a sandbox.", ["kind"], registry=self.registry
        )
        self._store_failures = Counter(
            "ioruntime_store_failures", "Writes of records that the store refused.", registry=self.registry
        )
        self._start_failures = Counter(
            "ioruntime_sandbox_start_failures", "Sandboxes that did not start.", registry=self.registry
        )

    def answered(self, call: Call, status: int, *, took_s: float) -> None:
        self._requests.add(call.operation or "none", str(status))
        self._log.debug(
            "request_answered", transaction=call.transaction_id, operation=call.operation, status=status, took_s=took_s
        )

    def crashed(self, where: Call | InvocationRequest, error: Exception, /) -> None:
        self._log.error("bug", transaction=where.transaction_id, exc_info=error)

    def ran(self, activation: Activation, *, kind: str, cold: bool, wait_ms: int) -> None:
        self._activations.add(kind, activation.status.text)
        self._durations.add(kind, (activation.duration_ms or 0) / 1000)
        self._waits.add(kind, wait_ms / 1000)
        if cold:
            self._cold_starts.labels(kind).inc()

    def not_provisioned(self, request: InvocationRequest, error: Exception) -> None:
        self._log.warning("not_provisioned", activation=request.activation_id, action=str(request.action.path), reason=str(error))

    def start_failed(self, error: Exception) -> None:
        self._start_failures.inc()
        self._log.warning("sandbox_start_failed", reason=str(error))

    def store_failed(self, error: Exception, *, pending: int) -> None:
        self._store_failures.inc()
        self._log.error("store_refused_records", reason=str(error), pending=pending)

    def alarm_failed(self, namespace: str, trigger: str, error: Exception, /) -> None:
        self._log.warning("alarm_failed", namespace=namespace, trigger=trigger, reason=str(error))

    def letter_lost(self, activation: Activation, error: Exception, /) -> None:
        self._log.warning(
            "dead_letter_lost", namespace=activation.namespace, activation=activation.activation_id, reason=str(error)
        )

    def delivery_failed(self, namespace: str, registration_id: str, error: Exception, /) -> None:
        self._log.warning("delivery_failed", namespace=namespace, registration=registration_id, reason=str(error))

    def watch(self, gauges: Callable[[], dict[str, float]], slots: Callable[[], list[Slot]]) -> None:
        """Add gauges that are read when somebody asks for the metrics."""
        self.registry.register(_Gauges(gauges, slots))

    def metrics(self) -> bytes:
        return generate_latest(self.registry)


class _Gauges(Collector):
    def __init__(self, gauges: Callable[[], dict[str, float]], slots: Callable[[], list[Slot]]) -> None:
        self._gauges = gauges
        self._slots = slots

    def collect(self) -> list[GaugeMetricFamily]:
        families = [
            GaugeMetricFamily(f"ioruntime_{name}", name.replace("_", " "), value) for name, value in self._gauges().items()
        ]
        sandboxes = GaugeMetricFamily("ioruntime_sandboxes", "Sandboxes by kind and state.", labels=["kind", "state"])
        counts: dict[tuple[str, str], int] = {}
        for slot in self._slots():
            key = (slot.spec.interpreter.kind, slot.state.value)
            counts[key] = counts.get(key, 0) + 1
        for (kind, state), count in counts.items():
            sandboxes.add_metric([kind, state], count)
        return [*families, sandboxes]
