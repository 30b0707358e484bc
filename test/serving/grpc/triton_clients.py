"""Asks a server of the Open Inference Protocol through tritonclient, over HTTP and gRPC, and prints what came back as one JSON object.

Usage: triton_clients.py <http host:port> <grpc host:port> <endpoint>
"""

import json
import sys

import ml_dtypes
import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client
from tritonclient.utils import InferenceServerException

ROWS = [[1.5, 17.0], [0.5, 3.0]]
ORIGINS = ["SFO", "Zürich"]


def inputs_of(library, dtype, datatype, **how):
    numbers = library.InferInput("numbers", [2, 2], datatype)
    numbers.set_data_from_numpy(np.array(ROWS, dtype=dtype), **how)
    categories = library.InferInput("categories", [2, 1], "BYTES")
    texts = np.array([text.encode() for text in ORIGINS], dtype=np.object_).reshape(2, 1)
    categories.set_data_from_numpy(texts, **how)
    return [numbers, categories]


def by_feature(library, **how):
    """One input for each feature, by its name: the numbers as INT64 and FP64."""
    columns = [("distance", "INT64", np.array([2, 1], dtype=np.int64)), ("hour", "FP64", np.array([17.0, 3.0]))]
    inputs = []
    for name, datatype, values in columns:
        inputs.append(library.InferInput(name, [2], datatype))
        inputs[-1].set_data_from_numpy(values, **how)
    origin = library.InferInput("origin", [2], "BYTES")
    origin.set_data_from_numpy(np.array([text.encode() for text in ORIGINS], dtype=np.object_), **how)
    return [*inputs, origin]


def plain(parameters):
    """gRPC's parameters as plain values."""
    return {name: getattr(value, value.WhichOneof("parameter_choice")) for name, value in parameters.items()}


def told(result):
    response = result.get_response()
    over_http = isinstance(response, dict)
    return {
        "values": result.as_numpy("probability").astype(float).flatten().tolist(),
        "shape": list(result.as_numpy("probability").shape),
        "id": response.get("id") if over_http else response.id,
        "model": response["model_name"] if over_http else response.model_name,
        "version": response["model_version"] if over_http else response.model_version,
        "parameters": response["parameters"] if over_http else plain(response.parameters),
    }


def refusal(ask):
    try:
        ask()
    except InferenceServerException as error:
        return {"status": str(error.status()), "message": str(error.message())}
    return None


def metadata(client, endpoint, as_json):
    described = client.get_model_metadata(endpoint, **as_json)
    shapes = lambda tensors: [[each["name"], each["datatype"], [int(size) for size in each["shape"]]] for each in tensors]
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "server": client.get_server_metadata(**as_json)["name"],
        "extensions": client.get_server_metadata(**as_json)["extensions"],
        "modelReady": client.is_model_ready(endpoint),
        "versionReady": client.is_model_ready(endpoint, "2"),
        "otherReady": client.is_model_ready("boats"),
        "versions": described["versions"],
        "platform": described["platform"],
        "inputs": shapes(described["inputs"]),
        "outputs": shapes(described["outputs"]),
    }


def conversation(library, client, endpoint, as_json):
    def infer(inputs, **more):
        return told(client.infer(endpoint, inputs, **more))

    fp32 = lambda: inputs_of(library, np.float32, "FP32")
    return {
        "metadata": metadata(client, endpoint, as_json),
        "FP32": infer(fp32(), request_id="triton-1"),
        "FP64": infer(inputs_of(library, np.float64, "FP64")),
        "FP16": infer(inputs_of(library, np.float16, "FP16")),
        "BF16": infer(inputs_of(library, ml_dtypes.bfloat16, "BF16")),
        "INT32": infer(inputs_of(library, np.int32, "INT32")),
        "byFeature": infer(by_feature(library)),
        "version": infer(fp32(), model_version="2"),
        "output": infer(fp32(), outputs=[library.InferRequestedOutput("probability")]),
        "subject": infer(fp32(), request_id="triton-subject", parameters={"subject": "ada"}),
        "arm": infer(fp32(), headers={"x-perdura-arm": "challenger"}),
        "noEndpoint": refusal(lambda: client.infer("boats", fp32())),
        "noVersion": refusal(lambda: client.infer(endpoint, fp32(), model_version="9")),
        "noOutput": refusal(lambda: client.infer(endpoint, fp32(), outputs=[library.InferRequestedOutput("logit")])),
        "missing": refusal(lambda: client.infer(endpoint, fp32()[:1])),
    }


def main(http_url, grpc_url, endpoint):
    over_http = http_client.InferenceServerClient(http_url)
    over_grpc = grpc_client.InferenceServerClient(grpc_url)
    as_json = inputs_of(http_client, np.float32, "FP32", binary_data=False)
    json_output = [http_client.InferRequestedOutput("probability", binary_data=False)]
    print(
        json.dumps(
            {
                "http": conversation(http_client, over_http, endpoint, {}),
                "grpc": conversation(grpc_client, over_grpc, endpoint, {"as_json": True}),
                "httpJson": told(over_http.infer(endpoint, as_json, request_id="triton-json", outputs=json_output)),
                "httpJsonByFeature": told(over_http.infer(endpoint, by_feature(http_client, binary_data=False))),
            }
        )
    )
    over_http.close()
    over_grpc.close()


main(*sys.argv[1:])
