"""Training recipes by name, one module each."""

from training.recipes.autoencoder import Autoencoder
from training.recipes.base import Recipe
from training.recipes.default import Default
from training.recipes.eccv16 import Eccv16
from training.recipes.lite import Lite
from training.recipes.residual import Residual
from training.recipes.siggraph17 import Siggraph17
from training.recipes.unet import Ushaped

RECIPES: dict[str, type[Recipe]] = {
    recipe.name: recipe for recipe in (Default, Lite, Residual, Ushaped, Autoencoder, Eccv16, Siggraph17)
}


def find_recipe(name: str) -> type[Recipe]:
    """Return the recipe called `name`; raises `ValueError` naming those that exist."""
    if name not in RECIPES:
        raise ValueError(f"There is no recipe called {name!r}. Known: {', '.join(RECIPES)}.")
    return RECIPES[name]
