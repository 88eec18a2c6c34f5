import csv
import dataclasses
import io

import pytest

from deepresolve.evaluation import subjects_csv

# Decimals: one more than tables print of SSIM x100 etc.; volumes to 0.1 mm³.
DIGITS = {
    **dict.fromkeys(["ssim", "nrmse", "edge_sharpness"], 5),
    **dict.fromkeys(["dsc", "voe", "volume_difference"], 5),
    **dict.fromkeys(["rmse", "mse"], 6),
    **dict.fromkeys(["psnr", "assd", "hd95"], 3),
    **dict.fromkeys(["volume_mm3", "reference_volume_mm3"], 1),
}


def test_csv_has_every_number_as_far_as_it_is_known(full_results):
    lines = list(
        csv.DictReader(io.StringIO(subjects_csv.to_csv(full_results.measurements)))
    )
    assert len(lines) == len(full_results.measurements)
    for line, m in zip(lines, full_results.measurements, strict=True):
        assert line == {
            "subject": m.subject,
            "person": m.person,
            "network": m.source,
            "image_set": m.image_set,
            "metric": m.metric,
            "class": m.label_class or "",
            "value": line["value"],
        }
        digits = DIGITS[m.metric]
        value = float(line["value"])
        assert value == pytest.approx(m.value, abs=0.51 * 10**-digits)
        # Four digits at least, and no more than that and its decimals.
        assert value == pytest.approx(m.value, rel=0.51e-3)
        assert len(line["value"].lstrip("-0.").replace(".", "")) <= max(
            4, digits + len(str(int(abs(value))))
        )


def test_csv_quotes_awkward_names(results):
    awkward = [dataclasses.replace(results.measurements[0], subject='a,"b"\nc')]
    lines = list(csv.DictReader(io.StringIO(subjects_csv.to_csv(awkward))))
    assert [line["subject"] for line in lines] == ['a,"b"\nc']


def test_progress_is_the_csv_of_the_subjects_so_far(results, tmp_path):
    (tmp_path / subjects_csv.PROGRESS_FILE).write_text("of an earlier run")
    progress = subjects_csv.Progress(tmp_path)
    numbers = results.measurements
    progress.add(numbers[:5])
    progress.add(numbers[5:9])
    text = (tmp_path / subjects_csv.PROGRESS_FILE).read_text(encoding="utf-8")
    assert text == subjects_csv.to_csv(numbers[:9])
