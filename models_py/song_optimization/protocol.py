"""The settings of song optimization: what may change, how far, and which songs measure it.

The feature table splits the songs by artist into three parts. Teacher and student are trained on
the first, the held-out evaluator on the second, and all are measured on the third. No artist is in
two parts, so the evaluator is independent of the student.
"""

from models_py.generated.tasks import CHANGEABLE

TASK = "song_optimization"
# The features that may change, which are the first inputs, and the bounds of each.
BOUNDS = CHANGEABLE
# The part `judge` is that of the held-out evaluator.
PARTS = STUDENT, JUDGE, TEST = "student", "judge", "test"
# Defaults: the largest change of a feature as a share of its range, the largest number of changed
# features, the penalty in points for each squared standard deviation, and the number of steps.
MAX_CHANGE, MOST, PENALTY, STEPS = 0.25, 3, 0.1, 30
