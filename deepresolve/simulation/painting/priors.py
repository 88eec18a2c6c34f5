"""What varies from one painted image to the next, and how far."""

from __future__ import annotations

import dataclasses
from typing import Any

from deepresolve.system.command_line.suggestions import did_you_mean

Range = tuple[float, float]


_SIGNED = ("rotation_degrees", "field_mm")
# Above this, few contrasts are left to draw from.
_MOST_CONTRAST = {"cartilage_contrast": 0.5, "joint_contrast": 0.2}


@dataclasses.dataclass(frozen=True)
class Priors:
    """Ranges to draw from, evenly unless said otherwise; ours where no source is named.

    Attributes:
      field_mm: by how much the field of view goes beyond that of the label map, on
        either side of each axis within the slices; negative: it ends before.
      rotation_degrees: about each axis (SynthSeg has 15; knees are positioned).
      scale: of the whole anatomy, along each axis (SynthSeg 0.8 to 1.2).
      warp_mm: standard deviation of a smooth displacement (SynthSeg up to 4 mm).
      warp_length_mm: over which it varies.
      thickness_mm: standard deviation of what is added to the thickness of cartilage.
      thickness_length_mm: over which that varies.
      num_defects: focal lesions of cartilage, at most.
      defect_mm: their radius.
      defect_depth_mm: what they take from the thickness.
      cortex_mm: thickness of the shell of bones.
      num_marrow_lesions: bright patches of marrow below cartilage, at most.
      marrow_lesion_mm: their radius.
      scarred: share of images in whose bones a sheet shows where growth plates were.
      skin_mm: how far the skin is from the labels where it is nearest, and where it is
        farthest.
      skin_fat_mm: thickness of the fat below the skin.
      num_sheets: thin layers of whatever tissue in what the label map leaves out:
        fascia, retinacula, bursae; at most.
      sheet_mm: about their thickness.
      lining_mm: how far a layer of whatever tissue reaches from bones, here and there.
      effusion_mm: how far fluid reaches from cartilage, here and there.
      capsule_mm: so far from cartilage no muscle lies, but fat: a joint's capsule, its
        fat pads and its fluid are between them.
      num_vessels: tubes along the leg, at most.
      vessel_mm: their radius.
      random_contrast: share of images whose tissues are as bright as chance has it;
        the others follow a sequence's signal equation (see `contrast`).
      cartilage_contrast: least difference between the signals of cartilage and marrow,
        as a share of the brightest tissue. Nobody looks for cartilage on an image that
        does not show it: in a real DESS it is 0.4, in a real spin echo 0.3.
      joint_contrast: the same of cartilage and what else it borders on: fluid, fat,
        menisci and tendons. Between cartilage and menisci it is 0.2 in that DESS, and
        0.1 in that spin echo.
      spin_echo_tr_ms, spin_echo_te_ms: of proton density and T2 weighted spin echoes.
      gradient_echo_tr_ms, gradient_echo_te_ms, gradient_echo_degrees: of spoiled ones.
      dess_tr_ms, dess_te_ms, dess_degrees: around those of the OAI, 16.3 ms, 4.7 ms and
        25 degrees (Peterfy, OAC 2008;16:1433).
      signal_spread: of a tissue's signal, as a share of what the equation gives.
      texture: standard deviation within tissues, as a share of their signal.
      fat_left: of the signal of fat, where it is suppressed or not excited.
      fat_suppressed: share of images in which it is.
      shading: standard deviation of the logarithm of coil shading (SynthSeg to 0.7).
      noise: standard deviation a channel, as a share of the brightest tissue.
      blur_mm: standard deviation within slices, of what the scanner filtered.
      ghost: amplitude of a moved copy along the phase-encoded axis.
      chemical_shift_pixels: by which fat is displaced along the read-out.
      other_plane: share of images whose slices lie across another axis than those of
        the label map.
      pixel_mm: distance of pixels.
      slice_mm: distance of slices, even in its logarithm.
      mirrored: share of images that show the other knee.
    """

    field_mm: Range = (-12.0, 20.0)
    rotation_degrees: Range = (-10.0, 10.0)
    scale: Range = (0.88, 1.14)
    warp_mm: Range = (0.0, 2.5)
    warp_length_mm: Range = (15.0, 40.0)
    thickness_mm: Range = (0.0, 0.6)
    thickness_length_mm: float = 8.0
    num_defects: int = 3
    defect_mm: Range = (2.0, 8.0)
    defect_depth_mm: Range = (0.5, 3.0)
    cortex_mm: Range = (0.3, 1.2)
    num_marrow_lesions: int = 2
    marrow_lesion_mm: Range = (3.0, 10.0)
    scarred: float = 0.5
    skin_mm: Range = (5.0, 80.0)
    skin_fat_mm: Range = (2.0, 15.0)
    num_sheets: int = 6
    sheet_mm: Range = (0.6, 2.5)
    lining_mm: Range = (0.0, 3.0)
    effusion_mm: Range = (0.0, 2.5)
    capsule_mm: Range = (1.5, 5.0)
    num_vessels: int = 5
    vessel_mm: Range = (1.0, 4.0)
    random_contrast: float = 0.3
    cartilage_contrast: float = 0.15
    joint_contrast: float = 0.08
    spin_echo_tr_ms: Range = (1500.0, 5000.0)
    spin_echo_te_ms: Range = (10.0, 80.0)
    gradient_echo_tr_ms: Range = (10.0, 40.0)
    gradient_echo_te_ms: Range = (3.0, 10.0)
    gradient_echo_degrees: Range = (10.0, 40.0)
    dess_tr_ms: Range = (16.0, 25.0)
    dess_te_ms: Range = (4.0, 6.0)
    dess_degrees: Range = (20.0, 45.0)
    signal_spread: float = 0.2
    texture: Range = (0.02, 0.15)
    fat_left: Range = (0.02, 0.35)
    fat_suppressed: float = 0.8
    shading: Range = (0.0, 0.5)
    noise: Range = (0.005, 0.06)
    blur_mm: Range = (0.0, 0.4)
    ghost: Range = (0.0, 0.06)
    chemical_shift_pixels: Range = (0.0, 2.0)
    other_plane: float = 0.25
    pixel_mm: Range = (0.3, 0.8)
    slice_mm: Range = (0.7, 3.0)
    mirrored: float = 0.5

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            ends = value if isinstance(value, tuple) else (value, value)
            low, high = ends
            if not low <= high or (field.name not in _SIGNED and low < 0):
                raise ValueError(
                    f"{field.name}: expected numbers of 0 or more, the lower one "
                    f"first; got {value}."
                )
        for name, most in _MOST_CONTRAST.items():
            if (value := getattr(self, name)) > most:
                raise ValueError(f"{name}: expected at most {most}; got {value}.")


def parse(text: str) -> dict[str, Any]:
    """Priors that depart from the usual, of "random_contrast=0,pixel_mm=0.4:0.6".

    Args:
      text: NAME=VALUE, or NAME=LOW:HIGH of what is drawn from a range, with commas
        between.

    Returns:
      What `Priors` is made with.

    Raises:
      ValueError: an unknown name, or a value that the prior cannot have.
    """
    usual = vars(Priors())
    found: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if name not in usual:
            raise ValueError(
                f"there is no prior {name!r}.{did_you_mean(name, usual)} "
                f"There are: {', '.join(usual)}."
            )
        found[name] = _value(name, value, type(usual[name]))
    Priors(**found)
    return found


def _value(name: str, text: str, kind: type) -> float | Range:
    """Of a kind: a range, a whole number, or a number."""
    try:
        if kind is tuple:
            low, high = map(float, text.split(":"))
            return low, high
        return int(text) if kind is int else float(text)
    except ValueError:
        wanted = {tuple: "LOW:HIGH", int: "a whole number"}.get(kind, "a number")
        raise ValueError(f"{name}: expected {wanted}; got {text!r}.") from None
