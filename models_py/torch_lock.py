"""PyTorch for one thread at a time.

dbt trains tasks in threads. PyTorch keeps its random state, and what its compiler notes of a step,
for the whole process: two trainings at once would draw from each other's numbers, or fail.
"""

import threading

torch_lock = threading.RLock()
