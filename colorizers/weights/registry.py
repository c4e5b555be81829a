"""Registry of networks: a `ModelSpec` for each set of weights.

The published networks are listed here; networks trained with this project are entries of `manifest.json` in the model
folder, which `python -m training export` writes. Loads no torch.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from colorizers.errors import UnknownModelError

MODEL_DIR = Path(__file__).resolve().parents[2] / "model"
MANIFEST_NAME = "manifest.json"
EMBEDDED = "default"


@dataclass(frozen=True)
class ModelSpec:
    """Description of one set of weights, with all numbers that preprocessing needs.

    `working_size_px` is the side of the square input where `keeps_aspect` is false, else the short side of an input
    that keeps the photo's proportions, both sides rounded to `size_multiple`. L enters as (L - l_cent) / l_norm, ab
    leaves times `ab_norm`. `temperature` is that of the annealed mean (Zhang et al. 2016), where there is a
    distribution over ab bins. Hints go into the network where it `has_hint_inputs`, else they correct its answer.
    """

    name: str
    family: str
    title: str
    filename: str
    licence: str
    trained_on: str
    size_bytes: int | None = None
    sha256: str | None = None
    urls: tuple[str, ...] = ()
    working_size_px: int = 256
    keeps_aspect: bool = False
    size_multiple: int = 8
    l_cent: float = 50.0
    l_norm: float = 100.0
    ab_norm: float = 110.0
    accepts_hints: bool = True
    has_hint_inputs: bool = False
    has_distribution: bool = False
    temperature: float | None = None


_S3 = "https://colorizers.s3.us-east-2.amazonaws.com/"
_MIRROR = "https://github.com/clibdev/colorization/releases/latest/download/"

PUBLISHED: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="siggraph17",
        family="siggraph17",
        title="SIGGRAPH17 (Zhang et al. 2017)",
        filename="siggraph17.pth",
        licence="BSD-2-Clause",
        trained_on="ImageNet",
        size_bytes=136787426,
        sha256="df00044c0a4d7c3edcecf6f75437ce346a66e7a42612d9b968e1a7e17dbc6f66",
        urls=(_S3 + "siggraph17-df00044c.pth", _MIRROR + "colorization-siggraph-17.pth"),
        has_hint_inputs=True,
        has_distribution=True,
    ),
    ModelSpec(
        name="eccv16",
        family="eccv16",
        title="ECCV16 (Zhang et al. 2016)",
        filename="eccv16.pth",
        licence="BSD-2-Clause",
        trained_on="ImageNet",
        size_bytes=128976165,
        sha256="9b330a0bae53f4ded77b1e23defbf78beaa09c10ebc4c4999e8e4f4a160b93f9",
        urls=(_S3 + "colorization_release_v2-9b330a0b.pth", _MIRROR + "colorization-eccv-16.pth"),
        has_distribution=True,
    ),
)


def read_manifest(model_dir: Path) -> tuple[ModelSpec, ...]:
    """Return the networks that `model_dir/manifest.json` lists, in its order; none where there is no such file."""
    path = model_dir / MANIFEST_NAME
    if not path.exists():
        return ()
    entries = json.loads(path.read_text(encoding="utf-8"))["models"]
    return tuple(ModelSpec(**{**entry, "urls": tuple(entry.get("urls", ()))}) for entry in entries)


def write_manifest(model_dir: Path, specs: tuple[ModelSpec, ...]) -> None:
    """Write `specs` as the manifest of `model_dir`, replacing it in one step."""
    path = model_dir / MANIFEST_NAME
    temporary = path.with_suffix(".json.part")
    document = {"models": [asdict(spec) for spec in specs]}
    temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def known_specs(model_dir: Path = MODEL_DIR) -> dict[str, ModelSpec]:
    """Return every known network by name: the published ones, the embedded ones, then those of `model_dir`."""
    specs = {spec.name: spec for spec in PUBLISHED}
    for folder in dict.fromkeys((MODEL_DIR, model_dir)):
        specs.update({spec.name: spec for spec in read_manifest(folder)})
    return specs


def find_spec(name: str, model_dir: Path = MODEL_DIR) -> ModelSpec:
    """Return the spec called `name`; raises `UnknownModelError` naming those that exist."""
    specs = known_specs(model_dir)
    if name not in specs:
        known = ", ".join(specs)
        raise UnknownModelError(f"There is no network called {name!r}. Known: {known}.", name=name, known=known)
    return specs[name]


def weights_path(spec: ModelSpec, model_dir: Path = MODEL_DIR) -> Path:
    """Return where the weights of `spec` are expected: in `model_dir`, or beside the library if they ship with it."""
    path = model_dir / spec.filename
    shipped = MODEL_DIR / spec.filename
    return shipped if not path.exists() and shipped.exists() else path


def default_spec(model_dir: Path = MODEL_DIR) -> ModelSpec:
    """Return the first published network whose weights are in `model_dir`, else the embedded default."""
    for spec in PUBLISHED:
        if weights_path(spec, model_dir).exists():
            return spec
    return find_spec(EMBEDDED, model_dir)
