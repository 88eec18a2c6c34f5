r"""Whether the analysis of a reader study finds what is there, and nothing else.

    python benchmarks/reader_study.py --output=DIR

Simulated readers score image sets whose true quality is known; their studies are tested
as `deepresolve reading analyse` tests them. Prints a table and writes
reader_study.json:

    marks      share of studies in which SR-CNN gets a mark against TCI, by the true
               difference in quality, in points of the scale. At 0 it must not be above
               0.05: the level holds for the whole family of DIQ and rank.
    coverage   share of studies whose 95% interval of ICC(2,1) holds the true one.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping

import numpy as np
from absl import flags
from tqdm import tqdm

from deepresolve.system import entry, files, path_flags

FLAGS = flags.FLAGS

path_flags.define("output", None, "Local folder of reader_study.json; made if need be.")
flags.DEFINE_integer("num_studies", 400, "Studies of each kind.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Of the simulation.")
flags.mark_flag_as_required("output")

IMAGE_SETS = ("ground_truth", "sr", "tci")
# SciPy's test is exact of the one and approximate of the other.
NUM_CASES = (9, 30)
DIFFERENCES = (0.0, 0.3, 0.6)
NUM_READERS, NUM_REPEATS = 2, 2
# Standard deviations in points of the scale: of cases, readers' taste in a case, and
# of a reader from one time to the next.
CASE_SD, TASTE_SD, REPEAT_SD = 0.7, 0.4, 0.5
# Of the agreement: between items, and of each rating; in tenths of a point.
ITEM_SD, RATING_SD = 20.0, 10.0


def marked(random: np.random.Generator, num_cases: int, difference: float) -> bool:
    """Whether a study marks SR-CNN against TCI."""
    from deepresolve.evaluation.paired import SIGNIFICANCE, with_holm
    from deepresolve.metrics import statistics
    from deepresolve.reading.analysis import paired_tests

    quality = _perceived(random, num_cases, difference)
    diq = np.clip(np.rint(quality), 1, 5).mean(axis=(1, 2))
    rank = (quality.argsort(axis=-1).argsort(axis=-1) + 1).mean(axis=(1, 2))
    sr, tci = IMAGE_SETS.index("sr"), IMAGE_SETS.index("tci")
    tests = [
        {"family": "one", "p": statistics.wilcoxon(differences, 0 * differences).p}
        for differences in (
            np.round(scores[:, sr] - scores[:, tci], paired_tests.DECIMALS)
            for scores in (diq, rank)
        )
    ]
    return any(test["p_holm"] < SIGNIFICANCE for test in with_holm(tests))


def _perceived(
    random: np.random.Generator, num_cases: int, difference: float
) -> np.ndarray:
    """(cases, readers, repeats, image sets): SR above TCI by the difference."""
    size = num_cases, NUM_READERS, NUM_REPEATS, len(IMAGE_SETS)
    mean = np.array([3 + 2 * difference, 3 + difference, 3.0])
    case = random.normal(0, CASE_SD, (num_cases, 1, 1, 1))
    taste = random.normal(0, TASTE_SD, (num_cases, NUM_READERS, 1, len(IMAGE_SETS)))
    return mean + case + taste + random.normal(0, REPEAT_SD, size)


def covered(random: np.random.Generator, num_cases: int) -> bool:
    """Whether the interval of ICC(2,1) holds the true one of a two-way model."""
    from deepresolve.metrics.agreement import icc

    true = ITEM_SD**2 / (ITEM_SD**2 + RATING_SD**2)
    items = random.normal(0, ITEM_SD, (num_cases, 1))
    ratings = np.rint(items + random.normal(0, RATING_SD, (num_cases, 2)))
    cases = [f"case {n}" for n in range(num_cases)]
    found = icc(ratings.astype(np.int64), cases)
    return found.low <= true <= found.high


def measure(num_studies: int, seed: int) -> list[Mapping[str, float]]:
    """Shares of studies, by what was simulated."""
    random = np.random.default_rng(seed)
    rows = []
    for num_cases in NUM_CASES:
        kinds = [
            ("marks", d, lambda d=d, n=num_cases: marked(random, n, d))
            for d in DIFFERENCES
        ]
        kinds.append(("coverage", None, lambda n=num_cases: covered(random, n)))
        for what, difference, simulate in kinds:
            studies = tqdm(
                range(num_studies), f"{what}, {num_cases} cases", disable=None
            )
            share = sum(simulate() for _ in studies) / num_studies
            rows.append(
                {
                    "what": what,
                    "num_cases": num_cases,
                    "true_difference": difference,
                    "share": share,
                }
            )
    return rows


def run() -> None:
    """Simulates, prints and writes."""
    folder = pathlib.Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    files.check_folder(folder)
    rows = measure(FLAGS.num_studies, FLAGS.seed)
    for row in rows:
        true = row["true_difference"]
        kind = row["what"] if true is None else f"{row['what']}, difference {true}"
        print(f"{kind:24} {row['num_cases']:3} cases  {row['share']:.3f}")
    content = {"num_studies": FLAGS.num_studies, "seed": FLAGS.seed, "rows": rows}
    with files.replacing(folder / "reader_study.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    entry.launch(run)
