from deepresolve.inference.window_size import WindowRule, fitting_window


def test_no_window_is_smaller_than_what_its_network_looks_at():
    # 7 voxels on either side, and one block of 3 between them.
    rule = WindowRule((8, 40, 8), 4, 1, margin=(7, 7, 7), multiple=(1, 1, 3))
    assert rule.smallest == (15, 40, 17)
    assert fitting_window((64, 64, 64), rule, 0.0) == (15, 40, 17)
