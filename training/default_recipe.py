"""The embedded default's recipe: tar shards in, `EmbeddedColorizer` weights out; reads top to bottom.

Ours, by evidence: soft-encoded cross-entropy with rebalancing (Zhang et al. 2016) at 1/4 resolution plus a smooth L1
on the distribution's mean, simulated hints (Zhang et al. 2017), old-print augmentation, many canvas sizes, EMA.
"""

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from colorizers.default_network import EmbeddedColorizer
from training.augment import aged_print, film_lightness
from training.bins import SoftEncoder, bin_centres, gamut_ab, rebalancing_weights
from training.hints import simulate_hints
from training.memory_data import MemoryData
from training.torch_lab import lab_to_rgb, rgb_to_lab


@dataclass(frozen=True)
class Config:
    """Every knob; the checkpoint carries them."""

    minutes: float = 95.0
    batch: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup_steps: int = 300
    clip: float = 1.0
    ema: float = 0.999
    drop_path: float = 0.0
    mix: float = 0.5  # lambda of the rebalancing
    mean_loss: float = 0.5
    scored_share: float = 0.35
    hinted_share: float = 0.4
    hint_stop_p: float = 1 / 7
    hint_patch_px: int = 7
    film_share: float = 0.1
    print_share: float = 0.2
    least_scale: float = 0.5
    # Small canvases first, since most is learnt there at a third of the cost; working-size ones at the end.
    stages: tuple[tuple[float, tuple[tuple[int, int], ...]], ...] = (
        (0.35, ((96, 128),)),
        (0.75, ((96, 128), (112, 144), (128, 160))),
        (1.0, ((128, 160), (128, 176), (144, 192), (160, 208))),
    )


def distribution_loss(
    logits: Tensor, ab: Tensor, encoder: SoftEncoder, weights: Tensor, centres: Tensor
) -> tuple[Tensor, Tensor]:
    """Return (rebalanced cross-entropy, smooth L1 of the mean in tens of ab) of logits (m, bins) against ab (m, 2)."""
    logp = F.log_softmax(logits.float(), dim=1)
    index, share = encoder.rows(ab)
    crossed = -(logp.gather(1, index) * share).sum(1)
    weight = (weights[index] * share).sum(1)
    return (crossed * weight).mean(), F.smooth_l1_loss(logp.exp() @ centres / 10, ab / 10)


def sampled_positions(features: Tensor, ab: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Return a random `share` of the positions of features (n, c, h, w) and ab (n, 2, h, w) as rows (m, c), (m, 2).

    Neighbours say much the same; scoring all of them over 313 bins would take half of the time.
    """
    rows = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])
    chosen = torch.randint(0, len(rows), (int(len(rows) * share),), device=rows.device)
    return rows[chosen], ab.permute(0, 2, 3, 1).reshape(-1, 2)[chosen]


@torch.no_grad()
def validate(
    network: EmbeddedColorizer, photos: list[Tensor], temperature: float, encoder: SoftEncoder
) -> dict[str, float]:
    """Return PSNR in dB (gray's as well), chroma over true chroma and cross-entropy for RGB (1, 3, h, w) photos."""
    rows = []
    network.eval()
    for rgb in photos:
        lab = rgb_to_lab(rgb)
        L = lab[:, :1]
        none = torch.zeros_like(lab[:, 1:])
        with torch.autocast(rgb.device.type, torch.bfloat16):
            logits = network(network.network_input(L, none, none[:, :1])).float()
        ab = network.decode(logits, temperature)
        index, share = encoder(F.avg_pool2d(lab[:, 1:], 4))
        surprise = -(F.log_softmax(logits, 1).gather(1, index) * share).sum(1).mean()
        ab = F.interpolate(ab.float(), size=L.shape[2:], mode="bilinear")
        error = ((lab_to_rgb(torch.cat([L, ab], 1)) - rgb) ** 2).mean()
        flat = ((lab_to_rgb(torch.cat([L, none], 1)) - rgb) ** 2).mean()
        rows.append(
            torch.stack(
                [
                    -10 * error.log10(),
                    -10 * flat.log10(),
                    ab.norm(dim=1).mean(),
                    lab[:, 1:].norm(dim=1).mean(),
                    surprise,
                ]
            )
        )
    psnr, gray, chroma, true, surprise = torch.stack(rows).mean(0).tolist()
    return {"psnr": psnr, "gray": gray, "chroma": chroma / true, "nll": surprise}


def read_validation(folder: Path, short_px: int, device: str, every: int = 1) -> list[Tensor]:
    """Return each photo of `folder` as RGB (1, 3, h, w) in 0..1, short side `short_px`, sides multiples of 16."""
    import numpy as np
    from PIL import Image

    photos = []
    for path in sorted(folder.iterdir())[::every]:
        with Image.open(path) as image:
            w, h = image.size
            scale = short_px / min(w, h)
            size = (round(w * scale / 16) * 16, round(h * scale / 16) * 16)
            array = np.array(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))
        photos.append(torch.from_numpy(array).to(device).permute(2, 0, 1)[None].float() / 255)
    return photos


def update_ema(ema: torch.nn.Module, network: torch.nn.Module, decay: float) -> None:
    """Move every parameter and statistic of `ema` towards `network`."""
    averaged = [tensor for tensor in ema.state_dict().values() if tensor.is_floating_point()]
    current = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
    torch._foreach_lerp_(averaged, current, 1 - decay)


def train(
    config: Config, shards: list[Path], val: Path, out: Path, device: str, processes: int, resume: Path | None
) -> None:
    """Train for `config.minutes` and leave `ema.pt`, `log.jsonl` in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(17)
    data = MemoryData.load(shards, device=device, processes=processes)
    photos = read_validation(val, 160, device, every=6)
    print(f"{len(data)} photographs, {len(photos)} for validation", flush=True)
    centres = bin_centres(gamut_ab()).to(device)
    encoder = SoftEncoder(centres)
    stages = [data.batches(config.batch, canvases, config.least_scale) for _, canvases in config.stages]
    prior = torch.stack([encoder.prior(F.avg_pool2d(rgb_to_lab(next(stages[1]))[:, 1:], 4)) for _ in range(60)]).mean(0)
    weights = rebalancing_weights(prior, centres, config.mix)
    print(f"weights {weights.min():.2f} to {weights.max():.2f}", flush=True)

    network = EmbeddedColorizer(config.drop_path).to(device, memory_format=torch.channels_last)
    if resume is not None:
        network.load_state_dict(torch.load(resume, weights_only=True, map_location=device))
    network.get_buffer("bin_centres").copy_(centres)
    ema = EmbeddedColorizer().to(device, memory_format=torch.channels_last)
    ema.load_state_dict(network.state_dict())
    decayed = [p for p in network.parameters() if p.dim() > 1]
    plain = [p for p in network.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
        fused=device == "cuda",
    )
    began = time.monotonic()
    last_log = last_check = began
    step, shown, losses = 0, 0, torch.zeros(2, device=device)
    while (spent := (time.monotonic() - began) / 60) < config.minutes:
        progress = spent / config.minutes
        rate = (
            config.learning_rate * min(1.0, (step + 1) / config.warmup_steps) * 0.5 * (1 + math.cos(math.pi * progress))
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        network.train()
        stage = next(i for i, (until, _) in enumerate(config.stages) if progress <= until)
        rgb = next(stages[stage])
        ab = rgb_to_lab(rgb)[:, 1:]
        L = aged_print(film_lightness(rgb, config.film_share), config.print_share)
        hint_ab, mask = simulate_hints(ab, config.hinted_share, config.hint_stop_p, config.hint_patch_px)
        x = network.network_input(L, hint_ab, mask).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            features, truth = sampled_positions(network.features(x), F.avg_pool2d(ab, 4), config.scored_share)
            logits = F.linear(features, network.head.weight.flatten(1), network.head.bias)
        classification, regression = distribution_loss(logits, truth, encoder, weights, centres)
        optimizer.zero_grad(set_to_none=True)
        (classification + config.mean_loss * regression).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip)
        optimizer.step()
        step += 1
        update_ema(ema, network, min(config.ema, (step + 1) / (step + 10)))
        losses += torch.stack([classification.detach(), regression.detach()])
        shown += 1
        now = time.monotonic()
        if now - last_log > 60:
            mean = (losses / shown).tolist()
            print(
                f"step {step} {spent:.1f} min, {config.batch * shown / (now - last_log):.0f}/s, loss {mean[0]:.4f} {mean[1]:.4f}, rate {rate:.2e}",
                flush=True,
            )
            losses.zero_()
            shown, last_log = 0, now
        if now - last_check > 480:
            last_check = now
            save(out, ema, config, step, validate(ema, photos, 0.7, encoder))
    for temperature in (1.0, 0.7, 0.5, 0.38):
        save(out, ema, config, step, {"T": temperature, **validate(ema, photos, temperature, encoder)})


def save(out: Path, ema: torch.nn.Module, config: Config, step: int, figures: dict[str, float]) -> None:
    """Write the averaged weights and one log line."""
    torch.save({key: value.cpu() for key, value in ema.state_dict().items()}, out / "ema.part")
    (out / "ema.part").replace(out / "ema.pt")
    (out / "config.json").write_text(json.dumps(asdict(config)))
    line = json.dumps({"step": step, **{key: round(value, 4) for key, value in figures.items()}})
    with (out / "log.jsonl").open("a") as log:
        log.write(line + "\n")
    print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=95.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--resume", type=Path)
    options = parser.parse_args()
    train(
        Config(minutes=options.minutes),
        sorted(options.data.glob("*.tar")),
        options.val,
        options.out,
        options.device,
        options.processes,
        options.resume,
    )
