"""Codes as the DICOM standard prints them (PS3.16: CID 7150, 7151, 4031, 2, 7203)."""

import pytest
from pydicom.sr.codedict import codes as standard

from deepresolve.imaging.dicom_output import codes


@pytest.mark.parametrize(
    ("name", "kind", "region", "modifier"),
    [
        ("femoral cartilage", standard.SCT.Cartilage, standard.SCT.Femur, None),
        ("Femoral_Cartilage", standard.SCT.Cartilage, standard.SCT.Femur, None),
        ("patellar cartilage", standard.SCT.Cartilage, standard.SCT.Patella, None),
        (
            *("medial tibial cartilage", standard.SCT.Cartilage),
            *(standard.SCT.Tibia, standard.SCT.Medial),
        ),
        ("cartilage", standard.SCT.Cartilage, None, None),
        ("menisci", standard.SCT.Meniscus, None, None),
        ("lateral meniscus", standard.SCT.Meniscus, None, standard.SCT.Lateral),
        ("tibia", standard.SCT.Tibia, None, None),
    ],
)
def test_tissues_of_the_knee_have_the_standards_codes(name, kind, region, modifier):
    tissue = codes.tissue(name)
    assert (tissue.type, tissue.region, tissue.modifier) == (kind, region, modifier)
    bone = kind == standard.SCT.Tibia
    expected = standard.SCT.AnatomicalStructure if bone else standard.SCT.Tissue
    assert tissue.category == expected


@pytest.mark.parametrize(
    "name",
    [
        *("cartilage defect", "femoral tibial cartilage", "medial femur", "medial"),
        *("femoral", "T2*", "cartilage meniscus", "a very long name of a rare tissue"),
    ],
)
def test_any_other_name_has_a_private_code_of_its_own(name):
    tissue = codes.tissue(name)
    assert tissue.type.scheme_designator == "99DEEPRESOLVE"
    assert tissue.type.meaning == name
    assert 0 < len(tissue.type.value) <= 16  # A short string.
    assert (tissue.region, tissue.modifier) == (None, None)


def test_concepts_are_the_standards_own():
    assert standard.DCM.SpatialResampling == codes.SPATIAL_RESAMPLING
    assert standard.DCM.ProcessingEquipment == codes.PROCESSING_EQUIPMENT
    assert standard.DCM.SourceImageForImageProcessingOperation == codes.SOURCE_IMAGE
    assert standard.DCM.BasicApplicationConfidentialityProfile == codes.BASIC_PROFILE
    assert standard.DCM.ArtificialIntelligence == codes.ARTIFICIAL_INTELLIGENCE
