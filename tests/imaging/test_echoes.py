import dataclasses

import numpy as np
import pytest

from deepresolve.imaging.echoes import DoubleEcho, Echoes
from deepresolve.imaging.volume import Volume

AFFINE = np.diag([0.5, 0.5, 3.0, 1.0])


def volume(value, shape=(4, 5, 3), affine=AFFINE):
    return Volume(np.full(shape, value, np.int16), affine)


def test_volumes_are_put_in_the_order_of_their_times():
    found = Echoes.by_time([volume(3), volume(1), volume(2)], [30, 10, 20.0])
    assert found.times_ms == (10.0, 20.0, 30.0)
    assert found.array.shape == (3, 4, 5, 3)
    assert found.array[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert found.grid is found.volumes[0]


def test_first_echoes_are_left_out():
    found = Echoes.by_time([volume(n) for n in range(3)], [10, 20, 30])
    assert found.from_echo(1).times_ms == (20.0, 30.0)
    assert found.from_echo(1).array[0, 0, 0, 0] == 1
    with pytest.raises(ValueError, match="two echoes or more"):
        found.from_echo(2)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ((10, 10), "Two volumes have one time"),
        ((10,), "Got 2 volumes and 1 time; give one time for each"),
        ((-1, 10), "0 or more and grow"),
        ((10, np.inf), "0 or more and grow"),
    ],
)
def test_times_that_cannot_be_are_refused(times, message):
    with pytest.raises(ValueError, match=message):
        Echoes.by_time([volume(1), volume(2)], times)
    with pytest.raises(ValueError, match="Times are TE or TSL; got 'TI'"):
        Echoes.by_time([volume(1), volume(2)], (1, 2), "TI")


def test_echoes_on_other_grids_are_refused():
    moved = AFFINE.copy()
    moved[0, 3] = 0.1  # a fifth of a voxel
    for other in (volume(2, (4, 5, 2)), volume(2, affine=moved)):
        with pytest.raises(ValueError, match="The echo at 20 ms lies on another grid"):
            Echoes.by_time([volume(1), other], (10, 20))
        with pytest.raises(ValueError, match="The second echo lies on another grid"):
            DoubleEcho(volume(1), other, 20, 5, 25)
    moved[0, 3] = 0.01  # what headers round
    assert Echoes.by_time([volume(1), volume(2, affine=moved)], (10, 20))


def test_values_are_frozen():
    found = Echoes.by_time([volume(1), volume(2)], (10, 20))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.times_ms = (1, 2)
