"""What image sets are called in tables and figures."""

TITLES = {
    "ground_truth": "Ground truth",
    "sr": "SR-CNN",
    "tci": "TCI",
    "fourier": "Fourier",
}
