import pytest

from deepresolve import hardware


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
