def test_values_are_those_of_one_metric_set_network_and_class(full_results):
    kept = full_results.values("dsc", "tci", network="seg", label_class="bright tissue")
    expected = [
        m.value
        for m in full_results.measurements
        if m.metric == "dsc"
        and m.image_set == "tci"
        and m.label_class == "bright tissue"
    ]
    assert kept == expected
    assert len(kept) == 8


def test_what_was_not_measured_has_no_values(full_results):
    assert full_results.values("dsc", "tci", network="benchmark") == []
    assert full_results.values("ssim", "ground_truth") == []
