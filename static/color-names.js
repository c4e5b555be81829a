// Which word is nearest to a colour, for those who cannot see it.

import { abOf, grayOf } from "./color.js";
import { say } from "./messages.js";

const GRAY_BELOW = 7;
const PALE_BELOW = 20;
const STRONG_ABOVE = 60;
const DARK_BELOW = 70; // gray level
const LIGHT_ABOVE = 165;
// By hue angle in Lab, degrees: up to which each name holds.
const HUES = [
  [20, "pink"], [50, "red"], [80, "orange"], [112, "yellow"], [165, "green"], [225, "teal"], [300, "blue"],
  [335, "violet"], [360, "pink"],
];

function hueName(a, b, gray) {
  const angle = ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360;
  const name = HUES.find(([upTo]) => angle <= upTo)[1];
  if (name === "orange" && gray < 130) return "brown";
  if (name === "red" && gray > LIGHT_ABOVE) return "pink";
  return name;
}

/** Return the name of an sRGB colour, levels 0 to 255, in the reader's language. */
export function nameOf([r, g, b]) {
  const [labA, labB] = abOf(r, g, b);
  const chroma = Math.hypot(labA, labB);
  const gray = grayOf(r, g, b);
  if (chroma < GRAY_BELOW) return say("hue-gray");
  const colour = say(`hue-${hueName(labA, labB, gray)}`);
  if (gray < DARK_BELOW) return say("dark", { colour });
  if (chroma < PALE_BELOW) return say("pale", { colour });
  return chroma > STRONG_ABOVE ? say("strong", { colour }) : colour;
}
