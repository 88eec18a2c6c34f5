import numpy as np
import pydicom
import pytest

from deepresolve.imaging.dicom_output.stored_values import StoredValues


@pytest.mark.parametrize(
    ("values", "dtype", "stored"),
    [
        ([-500, 2000], np.int16, np.int16),
        ([0, 60000], np.uint16, np.uint16),
        ([0, 255], np.uint8, np.uint16),
        ([-5, 30000], np.int32, np.int16),
        ([0, 65535], np.int64, np.uint16),
    ],
)
def test_whole_numbers_of_16_bits_are_stored_as_they_are(values, dtype, stored):
    array = np.array(values, dtype)
    fitting = StoredValues.fitting(array)
    assert fitting.is_identity
    assert fitting.dtype == stored
    np.testing.assert_array_equal(fitting.store(array), values)


@pytest.mark.parametrize(
    "array",
    [
        np.array([-1, 40000]),
        np.array([0, 2**31 - 1]),
        np.linspace(-0.3, 1.7, 1001, dtype=np.float32),
        np.linspace(1e-7, 3e-7, 50),
        np.array([1e6, 1e6 + 1, 1e6 + 3]),
    ],
)
def test_others_are_found_to_half_a_step_by_what_the_header_says(array):
    fitting = StoredValues.fitting(array)
    dataset = pydicom.Dataset()
    fitting.describe(dataset)
    stored = fitting.store(array).astype(float)
    assert stored.min() == 0
    assert stored.max() == 65535
    found = stored * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    step = np.ptp(array) / 65535
    np.testing.assert_allclose(found, array, rtol=1e-12, atol=0.501 * step)
    assert all(len(str(dataset[k].value)) <= 16 for k in dataset.dir("RescaleS"))
