import dataclasses

import pytest

from deepresolve.evaluation.table_1 import published


def with_published(plan, names):
    networks = {
        name: dataclasses.replace(network, published=name in names)
        for name, network in plan.networks.items()
    }
    return dataclasses.replace(plan, networks=networks)


@pytest.mark.parametrize(
    ("names", "question", "expected"),
    [
        # Abstract, Table 1 and its text.
        (("sr",), ("sr", "psnr", "sr"), (29.1, 1.0)),
        (("seg",), ("seg", "voe", "tci"), (24.0, 4.9)),
        (("seg",), ("seg", "dsc", "sr"), None),
        (("sr",), ("seg", "dsc", "sr"), None),
        (("sr", "seg"), ("seg", "dsc", "sr"), (89.6, 2.0)),
        (("benchmark",), ("benchmark", "dsc", "ground_truth"), (83.0, 2.4)),
        (("sr",), ("sr", "psnr", "fourier"), None),
        (("sr",), ("sr", "rmse", "sr"), None),
    ],
)
def test_values_need_every_network_behind_them(full_results, names, question, expected):
    plan = with_published(full_results.plan, names)
    assert published.mean_sd(plan, *question) == expected


def test_seconds_are_those_of_the_published_network(full_results):
    plan = with_published(full_results.plan, ("sr", "benchmark"))
    assert published.seconds(plan, "sr") == 10  # abstract
    assert published.seconds(plan, "seg") is None
    assert published.seconds(plan, "benchmark") is None  # not told
