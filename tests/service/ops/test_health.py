"""Full queue, readiness, metrics, request ids and log lines."""

import logging
import re

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from service.domain.job import NewJob, new_job_id
from service.jobs.counters import heartbeat, live_processes, read_totals
from service.jobs.store import JobStore
from service.logging_setup import REQUEST_ID, PairsFormatter
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.service.jobs.test_store import OUTCOME, claim, queue
from tests.support.processes import until
from tests.support.uploads import as_file, field, scene


def metrics(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """Return the value of every sample by its name and the values of its labels, in the order of their names."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    samples = [sample for family in families for sample in family.samples]
    return {
        (s.name.removeprefix("photo_colorizer_"), *dict(sorted(s.labels.items())).values()): s.value for s in samples
    }


def test_full_queue_says_when_to_come_back_and_keeps_nothing(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_client(make_settings(wait_s=0, max_queue=2)) as client:
        parts = parts_of(client)
        monkeypatch.setattr(parts.supervisor, "ensure", lambda: None)
        two = {"photo": [field(as_file(scene()), "a.jpg"), field(as_file(scene()), "b.jpg")]}
        assert client.post("/v1/index", data=two).status_code == 202
        refused = client.post("/v1/index", data={"photo": field(as_file(scene()))})
        assert (refused.status_code, refused.get_json()["code"]) == (503, "queue_full")
        assert refused.headers["Retry-After"] == "2", "a guess, before anything was measured"
        assert len(list((parts.settings.data_dir / "photos").glob("*/*"))) == 2
        page = client.post("/colorization", data={"photo": field(as_file(scene()))})
        assert (page.status_code, page.headers["Retry-After"]) == (503, "2")
        assert "Please try again in about 2 seconds" in page.text
        assert parts.jobs.claim("w") is not None
        assert client.post("/v1/index", data={"photo": field(as_file(scene()))}).status_code == 202


def test_retry_after_follows_measured_time_excess_and_workers(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_client(make_settings(wait_s=0, max_queue=1)) as client:
        parts = parts_of(client)
        monkeypatch.setattr(parts.supervisor, "ensure", lambda: None)
        monkeypatch.setattr(parts.jobs, "service_time_s", lambda: 10.0)
        for number in range(2):
            with parts.jobs.database.begin() as connection:
                heartbeat(connection, f"w{number}", "worker")
        parts.jobs.add(NewJob(new_job_id(), "p", "image/jpeg", 1, 1) for _ in range(3))
        refused = client.post("/v1/index", data={"photo": field(as_file(scene()))})
        assert refused.headers["Retry-After"] == "15", "three have to go, 10 s each, two at a time"


def test_service_time_is_the_mean_of_the_latest(jobs: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in (1, 5):
        (job_id,) = queue(jobs, "p")
        monkeypatch.setattr("time.time", lambda: 1e9)
        claim(jobs, "w")
        monkeypatch.setattr("time.time", lambda seconds=seconds: 1e9 + seconds)
        assert jobs.finish(job_id, "w", OUTCOME)
        monkeypatch.undo()
    assert jobs.service_time_s() == pytest.approx(3)


def test_ready_metrics_and_request_number_with_a_real_worker(
    make_settings: MakeSettings, capfd: pytest.CaptureFixture[str]
) -> None:
    with running_client(make_settings(wait_s=100)) as client:
        first = client.get("/readyz")
        assert (first.status_code, first.get_json()["status"]) == (503, "starting")
        assert first.get_json()["checks"] == {"database": True, "storage": True, "worker": False, "model": True}
        until(lambda: client.get("/readyz").status_code == 200)
        answer = client.post(
            "/v1/index", data={"photo": field(as_file(scene()))}, headers={"X-Request-ID": "from-the-client-7"}
        )
        assert answer.headers["X-Request-ID"] == "from-the-client-7"
        found = metrics(client)
        assert found["requests_total", "POST", "api.index", "200"] == 1
        assert found["request_seconds_total", "POST", "api.index", "200"] > 0
        assert found["finished_total", "", "colorization", "done"] == 1
        assert (found["jobs", "queued"], found["jobs", "running"]) == (0, 0)
        assert found["wait_seconds_count",] == 1
        assert found["stage_seconds_sum", "predict"] > 0
        assert any(
            key[0] == "resident_memory_bytes" and key[-1] == "worker" and value > 1e7 for key, value in found.items()
        )
        (worker,) = live_processes(parts_of(client).jobs.database, "worker")
    line = r"logger=service\.workers\.run_job request=from-the-client-7 msg=\"colorization of photo \w{8} done"
    assert re.search(line, capfd.readouterr().err)
    assert worker.resident_bytes > 1e7


def test_totals_outlive_rows_and_processes(make_settings: MakeSettings) -> None:
    settings = make_settings(wait_s=0)
    with running_client(settings) as client:
        client.get("/nowhere")
        parts_of(client).jobs.add([NewJob("a" * 32, "p", "image/jpeg", 1, 1)])
        assert client.delete("/v1/colorizations/" + "a" * 32).status_code == 204
        assert metrics(client)["requests_total", "GET", "none", "404"] == 1
    with running_client(settings) as client:
        found = metrics(client)
        assert found["requests_total", "GET", "none", "404"] == 1
        assert found["finished_total", "", "", "cancelled"] == 1


def test_counts_reach_the_totals_by_themselves(make_settings: MakeSettings) -> None:
    with running_client(make_settings()) as client:
        client.get("/healthz")
        assert until(lambda: "requests" in read_totals(parts_of(client).jobs.database), within_s=10)


def test_missing_network_is_not_ready(make_settings: MakeSettings) -> None:
    with running_client(make_settings(model="nonsense")) as client:
        answer = client.get("/readyz").get_json()
        assert answer["checks"]["model"] is False
        assert answer["status"] == "not ready"


@pytest.mark.parametrize("sent", ["", "short", "with space and more", "x" * 65, 'a"quote"quote'])
def test_only_harmless_numbers_are_taken_over(client: FlaskClient, sent: str) -> None:
    number = client.get("/healthz", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{16}", number)


def test_log_has_routes_but_no_ids(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.get("/v1/colorizations/" + "c" * 32)
    assert "GET api.read 404" in caplog.text
    assert "c" * 32 not in caplog.text


def test_log_line_is_made_of_pairs() -> None:
    record = logging.LogRecord("service.x", logging.INFO, "f", 1, 'said "%s"', ("hm",), None)
    token = REQUEST_ID.set("abcdefgh")
    line = PairsFormatter().format(record)
    REQUEST_ID.reset(token)
    assert re.fullmatch(
        r'time=\d{4}-\d\d-\d\dT\S+Z level=info logger=service\.x request=abcdefgh msg="said \\"hm\\""', line
    )
