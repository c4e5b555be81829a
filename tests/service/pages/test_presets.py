"""Which colourings a photo's page offers, and how it puts what networks are called and have learnt from."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from flask_babel import force_locale

from colorizers.prediction.hints import Hint
from colorizers.recipe import Options
from colorizers.weights.registry import PUBLISHED, ModelSpec
from service.domain.labels import format_title, learnt_from, network_title
from service.pages.presets import COUNT, colourings

SIGGRAPH17, ECCV16 = PUBLISHED
DEFAULT = replace(
    SIGGRAPH17,
    name="default",
    title="Embedded default",
    temperature=1.0,
    trained_on="26,000 photographs of mixed public collections, reduced to 128 px (see model/README.md)",
)
PLAIN = replace(SIGGRAPH17, name="plain", has_distribution=False, accepts_hints=False)
HINT = Hint(x=0.5, y=0.5, radius=0.1, a=20.0, b=20.0)


@pytest.mark.parametrize("spec", [DEFAULT, SIGGRAPH17, ECCV16, PLAIN], ids=lambda spec: spec.name)
@pytest.mark.parametrize("others", [[], [ECCV16], [SIGGRAPH17, ECCV16]], ids=len)
def test_four_different_colourings_that_the_networks_can_make(
    client: FlaskClient, spec: ModelSpec, others: list[ModelSpec]
) -> None:
    others = [other for other in others if other.name != spec.name]
    with client.application.test_request_context():
        offered = colourings(spec, others, Options(hints=(HINT,), saturation=1.7))
    assert len({one.label for one in offered}) == len({one.options for one in offered}) == COUNT
    specs = {one.name: one for one in (spec, *others)}
    for options in (one.options for one in offered):
        used = specs[options.model or ""]
        assert bool(options.hints) == used.accepts_hints
        assert options.temperature is None or used.has_distribution
    assert offered[0].options == Options(spec.name, (HINT,) if spec.accepts_hints else ())
    assert {other.name for other in others} <= {one.options.model for one in offered}


def test_names_and_sources_in_the_readers_language(client: FlaskClient) -> None:
    with client.application.test_request_context():
        assert network_title(ECCV16.title) == ECCV16.title
        assert learnt_from(DEFAULT.trained_on) == "26,000 photographs of mixed public collections"
        assert learnt_from("my own album") == "my own album"
        assert (format_title("webp"), format_title("tiff")) == ("WebP", "TIFF")
        with force_locale("zh"):
            assert network_title(DEFAULT.title) == "内置网络"
            assert learnt_from(DEFAULT.trained_on) == "26,000 张来自多个公共收藏的照片"
            assert "ImageNet" in learnt_from(ECCV16.trained_on)
