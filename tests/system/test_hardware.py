import pytest
import tensorflow as tf

from deepresolve.system import hardware


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu avx512f avx512_bf16 sse2", True),
        ("flags : fpu amx_bf16 amx_tile", True),
        ("flags : fpu avx2 sse2", False),
    ],
)
def test_bfloat16_is_fast_where_the_processor_has_it(
    monkeypatch, tmp_path, flags, expected
):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(flags)
    monkeypatch.setattr(hardware, "CPUINFO", cpuinfo)
    assert hardware.has_fast_bfloat16() == expected


def test_systems_that_do_not_say_are_not_trusted(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "missing")
    assert not hardware.has_fast_bfloat16()


def test_float32_is_not_rounded_on_gpus():
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    try:
        hardware.compute_float32_exactly()
        assert not tf.config.experimental.tensor_float_32_execution_enabled()
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def test_every_gpu_is_shared(monkeypatch):
    shared = []
    experimental = tf.config.experimental
    monkeypatch.setattr(tf.config, "list_physical_devices", {"GPU": ["a", "b"]}.get)
    monkeypatch.setattr(
        experimental,
        "set_memory_growth",
        lambda gpu, grows: shared.append((gpu, grows)),
    )
    hardware.share_gpus()
    assert shared == [("a", True), ("b", True)]
