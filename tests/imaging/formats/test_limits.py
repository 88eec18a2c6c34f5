"""How large a scan may become."""

import pytest

from deepresolve.imaging.formats import limits


def test_growth_is_bounded_absolutely_and_beyond_a_size_relatively():
    gib = 2**30
    limits.check_growth(gib, 1, "a small one")
    limits.check_growth(8 * gib, gib // 10, "a large one")
    with pytest.raises(ValueError, match=r"x unpacks to 8\.0 GiB; at most 8 GiB"):
        limits.check_growth(8 * gib + 1, 8 * gib, "x")
    with pytest.raises(ValueError, match=r"x unpacks to 2\.0 GiB from 1000 bytes; no"):
        limits.check_growth(2 * gib, 1000, "x")
