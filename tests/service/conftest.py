"""An application with its own data folder, and photographs made on the spot, for the tests of the service."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from flask.testing import FlaskClient
from safetensors.torch import save_file
from werkzeug.test import TestResponse

from colorizers.networks.embedded import EmbeddedColorizer
from colorizers.weights.registry import ModelSpec, write_manifest
from service.app import create_app
from service.context.app_context import EXTENSION, AppContext
from service.jobs.store import JobStore
from service.settings import Settings

MakeSettings = Callable[..., Settings]


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose default network is quick and random, so that tests need nothing but themselves."""
    return standin_model(tmp_path_factory.mktemp("model"), largest_ab=60.0)


def standin_model(folder: Path, largest_ab: float) -> Path:
    """Write the default network with random weights and colours up to `largest_ab` to `folder`; returns that."""
    torch.manual_seed(1)
    state = EmbeddedColorizer().state_dict()
    state["bin_centres"] = torch.empty(state["bin_centres"].shape).uniform_(-largest_ab, largest_ab)
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "standin.safetensors")
    spec = ModelSpec(
        name="default",
        family="default",
        title="Stand-in",
        filename="standin.safetensors",
        licence="BSD-2-Clause",
        trained_on="nothing",
        working_size_px=64,
        keeps_aspect=True,
        size_multiple=16,
        accepts_hints=True,
        has_distribution=True,
        temperature=0.001,
    )
    write_manifest(folder, (spec,))
    return folder


@pytest.fixture(scope="session")
def make_settings(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> MakeSettings:
    """Return settings with a data folder of their own, and others as given (`wait_s=0`)."""

    def make(**values: object) -> Settings:
        own = {"DATA_DIR": tmp_path_factory.mktemp("data"), "MODEL_DIR": model_dir, "DEVICE": "cpu", "WORKERS": 1}
        environ = {**own, **values}
        return Settings.from_environ({name.upper(): str(value) for name, value in environ.items()})

    return make


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobStore]:
    """The jobs of an empty data folder, `tmp_path`."""
    store = JobStore(tmp_path)
    yield store
    store.close()


class BufferedClient(FlaskClient):
    """A client that reads every answer to its end, so that no file stays open."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **options})


@contextmanager
def running_client(settings: Settings) -> Iterator[FlaskClient]:
    """Give a test client of an application with `settings`, without cookies as programs are; stops its worker."""
    app = create_app(settings)
    app.test_client_class = BufferedClient
    try:
        yield app.test_client(use_cookies=False)
    finally:
        parts_of(app.test_client()).close()


def parts_of(client: FlaskClient) -> AppContext:
    """Return the parts of the application behind a test client."""
    found = client.application.extensions[EXTENSION]
    assert isinstance(found, AppContext)
    return found


@pytest.fixture(scope="session")
def client(make_settings: MakeSettings) -> Iterator[FlaskClient]:
    """A client whose application starts its worker when a test first needs one."""
    with running_client(make_settings(wait_s=100, max_upload_mb=1, max_megapixels=2, max_files=3)) as client:
        yield client


@pytest.fixture(scope="session")
def hasty_client(make_settings: MakeSettings) -> Iterator[FlaskClient]:
    """A client whose application never waits for a result, below the prefix `/prefix`."""
    with running_client(make_settings(wait_s=0, base_dir="/prefix")) as client:
        yield client
