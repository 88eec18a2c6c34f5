import pytest

from deepresolve.system.chatter.sift import is_chatter

# As TensorFlow 2.21 writes them on a machine without a GPU, in this order.
WITHOUT_GPU = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795989245.817340   32040 port.cc:153] oneDNN custom operations are on.
I0000 00:00:1795989245.829697   32040 cudart_stub.cc:31] Could not find cuda drivers on
I0000 00:00:1795989245.956034   32040 cpu_feature_guard.cc:227] This TensorFlow binary
To enable the following instructions: AVX2 AVX512F, in other operations, rebuild \
TensorFlow with the appropriate compiler flags.
E0000 00:00:1796072297.083164   19866 util.cc:131] oneDNN supports DT_INT32 only on \
platforms with AVX-512. Falling back to the default Eigen-based implementation if prese
E0000 00:00:1795989283.278018   32640 cuda_platform.cc:52] failed call to cuInit: \
INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)
""".splitlines()
# Of TensorFlow 2.15 and 2.19 with CUDA (github.com/kr-colab/ReLERNN/issues/63,
# github.com/bmaltais/kohya_ss/issues/3320).
WITH_GPU = """\
2025-02-09 09:37:32.334610: E external/local_xla/xla/stream_executor/cuda/cuda_dnn.cc:\
9261] Unable to register cuDNN factory: Attempting to register factory for plugin cuDNN
2025-02-09 09:37:32.343117: I tensorflow/core/platform/cpu_feature_guard.cc:182] This
2025-02-09 09:37:33.337631: W tensorflow/compiler/tf2tensorrt/utils/py_utils.cc:38] TF-
E0000 00:00:1751448150.991431   10148 cuda_blas.cc:1] Unable to register cuBLAS factory
W0000 00:00:1751448151.003754   10148 computation_placer.cc:177] computation placer alr
E0000 00:00:1795989283.278018   32640 cuda_platform.cc:52] failed call to cuInit: \
INTERNAL: CUDA error: Failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable dev
""".splitlines()
REAL = """\
E0000 00:00:1751448150.991431   10148 gpu_device.cc:1] CUDA_ERROR_OUT_OF_MEMORY
F0000 00:00:1751448150.991431   10148 cpu_feature_guard.cc:37] The TensorFlow library \
was compiled to use AVX instructions, but these aren't available on your machine.
2025-02-09 09:37:32.334610: F tensorflow/core/platform/cpu_feature_guard.cc:37] The
2025-02-09 09:37:32.334610: E tensorflow/core/framework/op_kernel.cc:1] OOM
Traceback (most recent call last):
I0000 is a line of ours.
/usr/lib/x.py:3: UserWarning: Unable to register cuDNN factory

""".splitlines()


@pytest.mark.parametrize("has_gpu", [False, True])
def test_start_up_chatter_is_known(has_gpu):
    shared = WITHOUT_GPU[:-1] + WITH_GPU
    assert all(is_chatter(line, has_gpu=has_gpu) for line in shared)


def test_why_no_gpu_is_used_is_told_where_there_is_one():
    line = (
        "W0000 00:00:1751448151.003754   10148 gpu_device.cc:2344] Cannot dlopen some "
        "GPU libraries. Skipping registering GPU devices..."
    )
    assert not is_chatter(line, has_gpu=True)
    assert is_chatter(line, has_gpu=False)


@pytest.mark.parametrize("has_gpu", [False, True])
def test_errors_and_other_lines_are_none(has_gpu):
    assert not any(is_chatter(line, has_gpu=has_gpu) for line in REAL)


def test_a_gpu_that_does_not_start_is_an_error_where_there_is_one():
    line = WITHOUT_GPU[-1]
    assert is_chatter(line, has_gpu=False)
    assert not is_chatter(line, has_gpu=True)
