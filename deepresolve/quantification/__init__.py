"""Millimetres of a knee's cartilage from label maps: surfaces, thickness, areas."""
