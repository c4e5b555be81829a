"""Command `export`: install the weights of a training run in the model folder and its manifest."""

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from colorizers.networks.load import load_network
from colorizers.weights.registry import MODEL_DIR, PUBLISHED, ModelSpec, read_manifest, write_manifest
from training.loop.checkpoint import load_checkpoint


def export(run: Path, name: str, model_dir: Path = MODEL_DIR, **differences: Any) -> ModelSpec:
    """Write the weights of the run in the folder `run` to `model_dir` under `name`; return their spec.

    `differences` override fields of the spec (title, licence, trained_on, temperature, working_size_px). Weights are
    stored as float16. An earlier network of that name in `model_dir` is replaced. Raises `FileNotFoundError` without a
    run, `ValueError` for the name of a published network or one that is no file name.
    """
    if name in {spec.name for spec in PUBLISHED} or not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(
            f"{name!r} cannot be a network's name: published ones' are taken; letters, digits, - and _ do."
        )
    checkpoint = load_checkpoint(run)
    recipe = checkpoint.make_recipe()
    # With several metadata entries safetensors writes them in random order, and the hash would change.
    data = safetensors.torch.save(as_float16(checkpoint.weights), {"recipe": recipe.name})
    spec = replace(recipe.spec(name), trained_on=f"{checkpoint.photographs:,} photographs")
    spec = replace(spec, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), **differences)
    model_dir.mkdir(parents=True, exist_ok=True)
    part = model_dir / f"{spec.filename}.part"
    part.write_bytes(data)
    part.replace(model_dir / spec.filename)
    others = tuple(other for other in read_manifest(model_dir) if other.name != name)
    write_manifest(model_dir, (*others, spec))
    load_network(spec, model_dir)
    return spec


def as_float16(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Convert weights to half precision, except integers and tensors with values beyond float16."""
    return {name: _to_half(tensor).contiguous() for name, tensor in weights.items()}


def _to_half(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.to(torch.float16)
    return half if torch.isfinite(half).all() else tensor


def add_command(commands: Any) -> None:
    """Add `export` to the subparsers `commands`."""
    parser = commands.add_parser(
        "export",
        help="make a trained network available to the application",
        description="Write a run's weights and manifest entry; command line, API and page then offer it.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of the training run")
    parser.add_argument("name", metavar="NAME", help="what the network is to be called")
    parser.add_argument("--title", help="its name for people")
    parser.add_argument("--licence", help="terms of the weights, such as MIT (otherwise: not stated)")
    parser.add_argument("--trained-on", metavar="TEXT", help="which photographs it learnt from")
    parser.add_argument("--temperature", type=float, help="of the annealed mean, where it has a distribution")
    parser.add_argument("--working-size", type=int, metavar="PX", help="side (or short side) at which it works")
    parser.add_argument("--model-dir", type=Path, default=MODEL_DIR, help="where the weights go")
    parser.set_defaults(run_command=_export)


def _export(options: argparse.Namespace) -> int:
    chosen = {
        "title": options.title,
        "licence": options.licence,
        "trained_on": options.trained_on,
        "temperature": options.temperature,
        "working_size_px": options.working_size,
    }
    differences = {name: value for name, value in chosen.items() if value is not None}
    spec = export(options.run, options.name, options.model_dir, **differences)
    print(f"{options.model_dir / spec.filename}: {(spec.size_bytes or 0) / 1e6:.1f} MB, SHA-256 {spec.sha256}")
    if options.licence is None:
        print("Its entry states no licence, so nobody else may use it; --licence TERMS states one.")
    print(f"Try it: python -m colorizers PHOTO --model {spec.name}")
    return 0
