"""End-to-end test: train and export a network, then color a photo with it on a real server."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from colorizers.colorizer import Colorizer
from service.settings import Settings
from tests.support.processes import PYTHON, answers, free_port, running, until
from tests.support.training_pictures import landscape, write_shards
from training.cli.main import main
from training.evaluation.metrics import psnr


def test_a_trained_network_colors_on_the_page(tmp_path: Path) -> None:
    shards, run, model_dir = write_shards(tmp_path / "shards", 8), str(tmp_path / "run"), tmp_path / "model"
    overfit = ("steps=150", "batch=8", "validation_share=0.0", "crop='centre'", "mirror=False", "warmup_steps=0")
    settings = [f"--set={text}" for text in (*overfit, "ema=0.8")]
    assert main(["train", "ushaped", "--preset", "laptop", "--data", str(shards), "--out", run, *settings]) == 0
    title = ["--title", "Eight landscapes", "--licence", "MIT"]
    assert main(["export", run, "mine", *title, "--model-dir", str(model_dir)]) == 0

    truth = np.asarray(landscape(3))
    given = Image.fromarray(truth).convert("L")
    given.save(tmp_path / "gray.png")
    environ = {"MODEL": "mine", "MODEL_DIR": str(model_dir), "DATA_DIR": str(tmp_path / "data"), "DEVICE": "cpu"}
    served = replace(Settings.from_environ(environ), port=free_port(), wait_s=100)
    address = f"http://127.0.0.1:{served.port}"
    gunicorn = [str(Path(PYTHON).parent / "gunicorn"), "server:app"]
    with running(gunicorn, served), httpx.Client(base_url=address, timeout=110, trust_env=False) as client:
        until(lambda: answers(f"{address}/healthz"))
        photo = {"photo": ("gray.png", (tmp_path / "gray.png").read_bytes())}
        answer = client.post("/v1/index", files=photo).json()
        result = client.get(answer["urls"]["result"]).content
        page = client.get(answer["urls"]["page"]).text
    assert "Eight landscapes" in page
    with Image.open(BytesIO(result)) as image:
        colored = np.asarray(image.convert("RGB"))
    assert np.array_equal(colored, Colorizer.from_name("mine", model_dir).colorize(tmp_path / "gray.png"))
    assert psnr(colored, truth) > psnr(np.asarray(given.convert("RGB")), truth) + 3
