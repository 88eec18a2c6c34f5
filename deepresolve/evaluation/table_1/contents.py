"""What a report says, in its order; `markdown` and `html` say how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.paired import SIGNIFICANCE, least_corrected_p
from deepresolve.evaluation.table_1 import (
    detail_tables,
    published,
    relaxation,
    relaxation_section,
    tables,
    thickness,
    thickness_section,
)
from deepresolve.evaluation.table_1.paired_tests import FAMILIES
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Analysis, Results
from deepresolve.imaging.intensity import HIGH_PERCENTILE, LOW_PERCENTILE
from deepresolve.reports.document import (
    Block,
    Facts,
    Heading,
    Paragraph,
    Picture,
    Table,
)
from deepresolve.tasks.super_resolution.measuring import DATA_RANGE

TITLE = "DeepResolve: evaluation"
_FEW_SUBJECTS = 10  # below, BCa intervals come out too narrow


def report(
    analysis: Analysis,
    provenance: Mapping[str, Any],
    pictures: Mapping[str, Picture],
) -> list[Block]:
    """The whole report.

    Args:
      analysis: what was found.
      provenance: what the numbers belong to: records, split, workdirs, versions, ...
      pictures: the figures that are drawn, by file name.
    """
    results = analysis.results

    def shown(name: str) -> list[Block]:
        return [pictures[name]] if name in pictures else []

    return [
        Heading(TITLE, level=1),
        Paragraph(_opening(results)),
        *summary(analysis),
        *shown("figure_2.png"),
        *shown("paired.png"),
        *thickness_section.section(analysis),
        *relaxation_section.section(analysis),
        *_volumes(results.plan, analysis.volumes),
        *shown("bland_altman.png"),
        *_further(analysis),
        *shown("super_resolution.png"),
        Heading("Seconds per volume"),
        detail_tables.seconds_table(results),
        Paragraph(
            "Of the network alone, without reading and interpolation, measured in this "
            "run, whose devices stand at the end; the first volume includes building "
            "the graph. Published: 384 x 384 x 160 voxels on a GPU of 2018."
        ),
        Heading("How it was measured"),
        Facts(protocol(results)),
        Heading("What the measures mean"),
        Facts(meanings(results)),
        Heading("What was measured"),
        Facts(provenance),
    ]


def summary(analysis: Analysis) -> list[Block]:
    """Table 1, its tests, and what a reader must know to weigh them."""
    plan, tests = analysis.results.plan, analysis.tests
    blocks: list[Block] = [
        tables.table_1(analysis.results, tests, analysis.scores),
        Paragraph(tables.legend(plan, scored=analysis.scores is not None)),
    ]
    if any(network.published for network in plan.networks.values()):
        blocks.append(Paragraph(published.SOURCE))
    if tests:
        blocks += [Heading("Tests"), detail_tables.tests_table(plan, tests)]
        blocks += [Paragraph(note) for note in _test_notes(analysis)]
    return [*blocks, *(analysis.scores.blocks if analysis.scores else ())]


def protocol(results: Results) -> dict[str, Any]:
    """How the numbers came about, by name; what a reader needs to repeat them."""
    plan = results.plan
    facts = {
        "num_subjects": len(results.subjects),
        "num_people": len({subject.person for subject in results.subjects}),
        "downsample_factor": plan.downsample_factor,
        "image_sets": ", ".join(plan.image_sets),
        "data_range": DATA_RANGE,
        "intensity_scale": (
            f"0 and 1 are the ground truth's {LOW_PERCENTILE} and {HIGH_PERCENTILE} "
            "percentiles, without clipping; a network's input is scaled by its own: "
            "super-resolution by those of the thick scan, segmentation by those of the "
            "image set"
        ),
        "region": _region(plan),
        "sd": "sample standard deviation over subjects (divisor n - 1)",
        "test": (
            "two-sided Wilcoxon signed-rank; pairs without a difference are left out "
            "(num_zeros); exact p for at most 50 pairs without ties"
        ),
        "holm": "within each family: "
        + "; ".join(f"{name}: {text}" for name, text in FAMILIES.items())
        + "; measures beyond the paper's are families of their own",
    }
    if plan.class_names:
        facts["classes"] = ", ".join(plan.class_names)
    if flipped := [n.title for n in plan.networks.values() if n.flips]:
        facts["flips"] = (
            f"{', '.join(flipped)}: the mean over the image and its mirror image, left "
            "for right"
        )
    return facts


def meanings(results: Results) -> dict[str, str]:
    """What each number is, by name of the metric."""
    plan = results.plan
    measured = {m.metric for m in results.measurements}
    kinds = ("images",) if not plan.class_names else ("images", "masks")
    return {
        **{
            n: metric.meaning
            for n, metric in plan.metrics.items()
            if metric.of in kinds
        },
        **(thickness.MEANINGS if thickness.cartilages(plan) else {}),
        **{n: text for n, text in relaxation.MEANINGS.items() if n in measured},
    }


def _region(plan: Plan) -> str:
    if plan.downsample_factor is None:
        return "whole scans"
    return (
        "whole slices, air included, from the first acquired slice to the last; slices "
        "past it are left out"
    )


def _opening(results: Results) -> str:
    factor = results.plan.downsample_factor
    num_people = len({subject.person for subject in results.subjects})
    made = (
        "The scans were measured as they are."
        if factor is None
        else f"Thick slices are {factor} thin ones apart."
    )
    return f"{len(results.subjects)} scans of {num_people} people. {made}"


def _test_notes(analysis: Analysis) -> Iterator[str]:
    """What a reader must know to weigh the tests."""
    results, tests = analysis.results, analysis.tests
    yield (
        "W is the smaller sum of signed ranks; p is two-sided, and corrected after "
        "Holm within each claim. The interval is of the mean difference (bootstrap "
        "over subjects). Effect size: matched-pairs rank-biserial correlation, from -1 "
        "to 1."
    )
    for family, text in FAMILIES.items():
        if not any(test["family"] == family for test in tests):
            continue
        if (least := least_corrected_p(tests, family)) >= SIGNIFICANCE:
            yield (
                f"Too few subjects for a mark ({text}): whatever the images, the "
                f"smallest corrected p cannot be below {least:.3g}."
            )
    n, people = len(results.subjects), {s.person for s in results.subjects}
    if n < _FEW_SUBJECTS:
        yield f"With {n} subjects bootstrap intervals come out too narrow."
    if len(people) < n:
        yield (
            f"The {n} scans are of {len(people)} people: the pairs are not "
            "independent, so p overstates the evidence and intervals are too narrow."
        )


def _volumes(plan: Plan, volumes: Sequence[Mapping[str, Any]]) -> list[Block]:
    if not volumes:
        return []
    return [
        Heading("Volumes"),
        detail_tables.volumes_table(plan, volumes),
        Paragraph(
            "Estimated minus reference volume (Bland and Altman): mean difference and "
            "its 95% limits of agreement. RMS-CV: root mean square over subjects of "
            "the coefficient of variation of these two (not of repeated scans), from "
            "their sample standard deviation; tools that divide by n instead of n - 1 "
            "print it smaller by the square root of 2."
        ),
    ]


def _further(analysis: Analysis) -> list[Block]:
    results = analysis.results
    more: list[Table] = tables.further_tables(results)
    details = detail_tables.tests_table(results.plan, analysis.tests, further=True)
    if details.rows:
        more.append(details)
    return [Heading("Further measures"), *more] if more else []
