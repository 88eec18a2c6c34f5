"""Which slices belong together."""

import dataclasses

import numpy as np
import pytest

from deepresolve.imaging.formats import dicom
from deepresolve.imaging.formats.choice import ALL, ONLY, Choice
from deepresolve.imaging.formats.dicom.stacking import series


def test_echoes_are_chosen_where_positions_repeat(headers):
    later = [
        dataclasses.replace(h, file=f"z{h.file}", traits={"EchoTime": ("50",)})
        for h in headers
    ]
    for echo, expected in ((1, headers), (2, later)):
        chosen = series.choose([*later, *headers], "here", Choice(echo=echo))
        assert chosen == expected


def test_several_series_are_listed_and_chosen(write_stack):
    _, first = write_stack(SeriesDescription="Sag PD", EchoTime=30)
    folder, second = write_stack(
        num_slices=3,
        each=lambda n: {"name": f"other{n}"},
        SeriesNumber=12,
        SeriesInstanceUID="1.2.3.98765",
        SeriesDescription="Localizer",
    )
    with pytest.raises(ValueError, match="2 series, and none was chosen") as caught:
        dicom.read(folder)
    listing = str(caught.value)
    assert "series 4 (UID ...11111111) Sag PD: 4 images of 5 x 3" in listing
    assert "series 12 (UID ....3.98765) Localizer: 3 images of 5 x 3" in listing
    assert "--series" in listing
    for choice in (12, "12", "1.2.3.98765", "98765"):
        np.testing.assert_array_equal(
            dicom.read(folder, Choice(series=choice)).array, second
        )
    np.testing.assert_array_equal(dicom.read(folder, Choice(series=4)).array, first)
    # Nor is 5 or 765, the end of a UID, taken for a choice of that series.
    for choice in (5, 765):
        with pytest.raises(ValueError, match=f"0 fit {choice}"):
            dicom.read(folder, Choice(series=choice))


def test_one_number_for_two_series_is_not_enough(write_stack):
    write_stack()
    folder, _ = write_stack(
        each=lambda n: {"name": f"other{n}"}, SeriesInstanceUID="1.2.3.99"
    )
    with pytest.raises(ValueError, match="2 fit 4"):
        dicom.read(folder, Choice(series=4))
    assert dicom.read(folder, Choice(series="3.99")).num_slices == 4


@pytest.mark.parametrize(
    ("numbers", "first", "second"),
    [
        ((1, 2), 1, 2),
        ((2, 4), 2, 4),  # Only the even echoes were exported.
        ((1, 1), 1, 2),  # Alike: the rank of EchoTime instead.
        ((None, None), 1, 2),
    ],
)
def test_echoes_of_one_series_are_chosen(numbers, first, second, write_stack):
    # The files first in order hold the longer echo time.
    folder, voxels = write_stack(EchoNumbers=numbers[1], EchoTime=20)
    write_stack(
        each=lambda n: {"name": f"z{n}", "pixels": -voxels[:, :, n].T},
        EchoNumbers=numbers[0],
        EchoTime=10,
    )
    with pytest.raises(ValueError, match=r"holds 2 echo.*none was chosen") as caught:
        dicom.read(folder)
    assert f"echo {first}: 4 slices, TE 10 ms" in str(caught.value)
    assert f"echo {second}: 4 slices, TE 20 ms" in str(caught.value)
    assert "--echo" in str(caught.value)
    np.testing.assert_array_equal(dicom.read(folder, Choice(echo=first)).array, -voxels)
    np.testing.assert_array_equal(dicom.read(folder, Choice(echo=second)).array, voxels)
    with pytest.raises(ValueError, match="not echo 3"):
        dicom.read(folder, Choice(echo=3))


def test_echo_times_that_drift_along_one_stack_are_no_echoes(write_stack):
    folder, voxels = write_stack(each=lambda n: {"EchoTime": 10 + n})
    np.testing.assert_array_equal(dicom.read(folder).array, voxels)


def test_a_lone_second_echo_keeps_its_number(write_stack):
    folder, _ = write_stack(EchoNumbers=2)
    assert dicom.read(folder, Choice(echo=2)).num_slices == 4
    with pytest.raises(ValueError, match="not echo 1"):
        dicom.read(folder, Choice(echo=1))


def copies(headers, mark, **changes):
    return [dataclasses.replace(h, file=f"{mark}{h.file}", **changes) for h in headers]


def test_what_leaves_no_choice_is_not_asked_for(headers):
    for asked in (ONLY, Choice(echo=1), Choice(echo=7), Choice(4), Choice(99, ALL)):
        assert series.resolve(headers, asked) == [ONLY]


def test_every_echo_and_every_series(headers):
    echoes = [*headers, *copies(headers, "e", traits={"EchoTime": ("50",)})]
    other = copies(headers, "s", series_number=9, series_uid="1.2.9")
    resolve = series.resolve
    assert resolve(echoes, Choice(echo=ALL)) == [Choice(echo=1), Choice(echo=2)]
    assert resolve(echoes, Choice(echo=2)) == [Choice(echo=2)]
    every = [Choice(4, 1), Choice(4, 2), Choice(9)]
    assert resolve([*echoes, *other], Choice(ALL, ALL)) == every
    assert resolve([*echoes, *other], Choice(4, ALL)) == every[:2]
    # Series of one number are told apart by their UIDs.
    twins = [*headers, *copies(headers, "s", series_uid="1.2.9")]
    found = resolve(twins, Choice(ALL))
    assert [choice.series for choice in found] == sorted(
        {header.series_uid for header in twins}
    )


def test_what_is_missing_or_does_not_fit_is_left_to_choose(headers):
    echoes = [*headers, *copies(headers, "e", traits={"EchoTime": ("50",)})]
    assert series.resolve(echoes, ONLY) == [ONLY]
    two = [*headers, *copies(headers, "s", series_number=9, series_uid="1.2.9")]
    for asked in (ONLY, Choice(7), Choice(echo=ALL)):
        assert series.resolve(two, asked) == [asked]


def test_an_echo_that_one_series_alone_has_chooses_the_series(headers):
    first = copies(headers, "", traits={"EchoNumbers": ("1",)})
    second = copies(
        headers,
        "s",
        series_number=9,
        series_uid="1.2.9",
        traits={"EchoNumbers": ("2",)},
    )
    both = [*first, *second]
    assert series.resolve(both, Choice(echo=1)) == [Choice(4)]
    assert series.choose(both, "here", Choice(echo=2)) == second
