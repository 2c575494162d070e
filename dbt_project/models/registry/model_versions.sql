select * exclude (onnx, portable, metrics, importance, calibration, confusion)
from {{ ref('registry') }}
