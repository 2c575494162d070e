"""A lock that lets one thread at a time use PyTorch.

dbt trains tasks in threads. PyTorch's random state and its compiler's caches belong to the process:
two simultaneous trainings would not be reproducible, or would fail.
"""

import threading

torch_lock = threading.RLock()
