import pytest

from deepresolve.config.tasks import part
from deepresolve.system import hardware


@pytest.mark.parametrize(
    ("task", "alone", "fast", "dtype", "reason"),
    [
        ("super_resolution", True, True, "bfloat16", "fast on this processor"),
        ("super_resolution", True, False, "float32", "no fast bfloat16"),
        ("super_resolution", False, True, "float32", "workers may differ"),
        ("segmentation", True, True, "float32", "0.5% of a tissue's volume"),
    ],
)
def test_the_fast_safe_precision_is_chosen_and_explained(
    monkeypatch, task, alone, fast, dtype, reason
):
    monkeypatch.setattr(hardware, "has_fast_bfloat16", lambda: fast)
    chosen, why = part(task, "predictor").choose_dtype(alone=alone)
    assert chosen == dtype
    assert reason in why
