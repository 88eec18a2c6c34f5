r"""Sends a scan to a model server over gRPC and writes down what comes back.

    python docs/serving/grpc_client.py --server=localhost:8500 --model=sr \
        --result=thin clinical.nii.gz thin.nii.gz
    python docs/serving/grpc_client.py --server=localhost:8500 --model=seg \
        --result=label_map thin.nii.gz cartilage.nii.gz

Needs nibabel and tensorflow-serving-api, and nothing of deepresolve.
"""

import argparse

import grpc
import scan as scans
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

# gRPC refuses messages above 4 MB that it is not told to take: a scan has more.
ANY_SIZE = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


def main():
    """Asks the server about one scan."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default="localhost:8500")
    parser.add_argument("--model", default="sr")
    parser.add_argument("--signature", default="serving_default")
    parser.add_argument("--result", default="thin", help="thin, or label_map")
    parser.add_argument("--timeout", type=float, default=600, help="seconds")
    scans.add_flags(parser)
    parser.add_argument("input")
    parser.add_argument("output")
    arguments = parser.parse_args()

    scan, codes = scans.load(arguments.input)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = arguments.model
    request.model_spec.signature_name = arguments.signature
    for name, array in scans.inputs(scan, arguments).items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    # Probabilities are large: only what is asked for is sent.
    request.output_filter.append(arguments.result)
    with grpc.insecure_channel(arguments.server, options=ANY_SIZE) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        try:
            response = stub.Predict(request, timeout=arguments.timeout)
        except grpc.RpcError as error:
            raise SystemExit(f"{arguments.server}: {error.details()}") from None
    result = tf.make_ndarray(response.outputs[arguments.result])
    scans.save(arguments.output, result[0], scan, codes)


if __name__ == "__main__":
    main()
