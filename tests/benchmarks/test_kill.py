"""The kill command on few photos: workers and a web process die, the database is locked, and no photo is harmed."""

from pathlib import Path

from benchmarks.kill import killing, locking_the_database, run
from benchmarks.setups import local
from benchmarks.trial import samples
from tests.service.conftest import standin_model


def test_no_photo_is_harmed(tmp_path: Path) -> None:
    model_dir = tmp_path / "model"
    model_dir.mkdir()
    standin_model(model_dir, largest_ab=60.0)
    disturbances = {"SIGKILL": killing(2, 1), "database locked": locking_the_database(3)}
    with local(tmp_path / "data", model_dir, workers=2) as setup:
        quiet, killed, locked = run(setup, samples(10, 1.0), disturbances, within_s=200)
    assert quiet["done"] == killed["done"] == locked["done"] == 10
    assert quiet["harmed"] == killed["harmed"] == locked["harmed"] == 0
    assert "2 workers, 1 web processes" in killed["disturbed by"]
