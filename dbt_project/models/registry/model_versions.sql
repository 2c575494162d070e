select * exclude (onnx, portable, metrics, importance)
from {{ ref('registry') }}
