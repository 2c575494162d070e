select * exclude (onnx, portable, examples, metrics, importance, calibration, confusion)
from {{ ref('registry') }}
