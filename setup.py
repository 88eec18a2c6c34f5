"""Installs `deepresolve` and `records`; docs/quickstart.md has the two stacks."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"$',
    (HERE / "deepresolve" / "__init__.py").read_text(encoding="utf-8"),
    re.MULTILINE,
).group(1)

# Two stacks; CI tests the lowest versions of each, as .ci/lowest.py reads them here. If
# a lower version was seen to fail, the reason stands beside the bound. Without an extra
# pip gives the newest versions, but leaves what is there and high enough.
KERAS_3 = [
    "tensorflow>=2.16.1",
    "keras>=3.8",  # 3.6 trains from iterators alone, which cannot be traced
]
# tensorflow-addons ended with TensorFlow 2.15, so that extra pins the older stack; from
# Python 3.12 on there is none of it, and pip says so. TensorFlow's API for serving goes
# with 2.15.1 alone.
ADDONS = [
    "tensorflow>=2.15.1,<2.16",
    "tensorflow-addons==0.23.0",
    "numpy<2",
]
BEAM = ["apache-beam>=2.77"]
# Its version goes with TensorFlow's: 2.21 with 2.21, 2.15 with 2.15.
SERVING = ["tensorflow-serving-api>=2.15"]
# onnx 1.18 and 1.19 do not say that they need newer ml_dtypes than TensorFlow 2.15's.
ONNX = ["onnx>=1.17,!=1.18.*,!=1.19.*", "tf2onnx>=1.16", "onnxruntime>=1.16"]
# Label maps as DICOM segmentations. The first that takes a character set for names of
# classes.
DICOM_SEG = ["highdicom>=0.28"]
# Reads MetaImage and NRRD. In tests also the oracle of the distances between surfaces,
# and a reader of our DICOM. 2.3 reads a .mha that is cut short without a word.
ITK = ["SimpleITK>=2.4"]
# Reader studies in a browser; selenium drives one in tests.
READING = ["flask>=3.0", "waitress>=3.0"]
# The site of docs/. mkdocstrings reads docstrings without importing anything; Ruff
# formats the signatures that it shows.
RUFF = "ruff>=0.14"
DOCS = ["mkdocs-material>=9.7", "mkdocstrings-python>=2.0"]
TEST = [
    *("pytest>=7.4", "pytest-xdist>=3.8", "selenium>=4.11"),
    "hypothesis>=6.100",  # searches for headers and folders that are misread
    "trimesh>=4.0",  # the oracle of meshes
    *ITK,
    *READING,
    *DICOM_SEG,
    *SERVING,
    *ONNX,
]

setup(
    name="deepresolve",
    version=VERSION,
    description="Through-plane super-resolution and segmentation of knee MRI",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["deepresolve*", "records*"]),
    package_data={
        "deepresolve": ["py.typed"],
        "deepresolve.system": ["keras_home/*"],
        "deepresolve.runs.pretrained": ["*/*.json", "*/*.npz"],
        "deepresolve.reading": ["page/*"],
        "deepresolve.reports": ["templates/*", "viewer/*"],
        "deepresolve.reports.preview": ["page/*"],
        "deepresolve.reports.knee_page": ["page/*"],
    },
    install_requires=[
        "absl-py>=1.4",
        "filelock>=3.12",
        "h5py>=3.10",  # Comes with Keras; records.datasets.iwoai reads by it, too.
        "isal>=1.7",  # gzip several times as fast; 1.7 has wheels for Python 3.13
        "jinja2>=3.1.2",  # Pages of reports; what Flask 3.0 asks for, too.
        "matplotlib>=3.7",
        "nibabel>=5.1",
        "numpy>=1.24",
        "pydicom>=3.0.1",  # 2.4 takes bits above BitsStored for a part of the value
        "scikit-image>=0.21",
        "scikit-learn>=1.3",
        "scipy>=1.10",
        f"keras>=2.15,{','.join(f'!=3.{n}.*' for n in range(8))}",  # as above
        "tensorboard>=2.15",
        "tensorflow>=2.15.1",
        "tqdm>=4.65",
    ],
    entry_points={"console_scripts": ["deepresolve = deepresolve.__main__:main"]},
    # In the normal form of PEP 685: pip 23.2, which comes with Python 3.11, installs
    # nothing for `dicom_seg`, with status 0.
    extras_require={
        "gpu": ["tensorflow[and-cuda]>=2.15.1"],
        "keras3": KERAS_3,
        "addons": ADDONS,
        "beam": BEAM,
        "dicom-seg": DICOM_SEG,
        "itk": ITK,
        "serving": SERVING,
        "onnx": ONNX,
        "reading": READING,
        "docs": [*DOCS, RUFF],
        "test": TEST,
        "dev": [*TEST, *BEAM, *DOCS, RUFF, "mypy>=1.18"],
    },
)
