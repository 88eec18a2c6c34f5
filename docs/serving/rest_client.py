r"""Sends a scan to a model server over REST and writes down what comes back.

    python docs/serving/rest_client.py --server=http://localhost:8501 --model=sr \
        clinical.nii.gz thin.nii.gz
    python docs/serving/rest_client.py --server=http://localhost:8501 --model=seg \
        --signature=label_map thin.nii.gz cartilage.nii.gz

Needs nibabel and nothing else. Numbers travel as text, at several times the size of
gRPC's: for a try, and for small scans.
"""

import argparse
import json
import urllib.error
import urllib.request

import numpy as np
import scan as scans

DTYPES = {"label_map": np.uint8}


def main():
    """Asks the server about one scan."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default="http://localhost:8501")
    parser.add_argument("--model", default="sr")
    parser.add_argument("--signature", default="serving_default")
    parser.add_argument("--timeout", type=float, default=600, help="seconds")
    scans.add_flags(parser)
    parser.add_argument("input")
    parser.add_argument("output")
    arguments = parser.parse_args()

    scan, codes = scans.load(arguments.input)
    body = {
        "signature_name": arguments.signature,
        "inputs": {k: v.tolist() for k, v in scans.inputs(scan, arguments).items()},
    }
    request = urllib.request.Request(  # noqa: S310 (the caller names the server)
        f"{arguments.server}/v1/models/{arguments.model}:predict",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(  # noqa: S310
            request, timeout=arguments.timeout
        ) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"The server refused: {error.read().decode()}") from None
    except (urllib.error.URLError, ValueError) as error:
        raise SystemExit(f"{arguments.server}: {error}") from None
    # A signature of one output answers with its numbers alone.
    if isinstance(answer["outputs"], dict):
        names = ", ".join(answer["outputs"])
        raise SystemExit(f"{arguments.signature} has outputs {names}: ask for one.")
    dtype = DTYPES.get(arguments.signature, np.float32)
    scans.save(arguments.output, np.array(answer["outputs"], dtype)[0], scan, codes)


if __name__ == "__main__":
    main()
