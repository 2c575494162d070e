"""What may change in a song, how far, and who judges it.

The songs are dealt by artist to three parts, see the feature table: teacher and student learn from
the first, the judge from the second, and the third has the songs that all are measured on. No
artist is in two of them, so the judge knows nothing of what the student was told.
"""

from models_py.generated.tasks import CHANGEABLE

TASK = "song_optimization"
# What may change, the first inputs of a song, and the bounds it is kept within.
BOUNDS = CHANGEABLE
PARTS = STUDENT, JUDGE, TEST = "student", "judge", "test"
# What is asked for where a caller says nothing: the share of its range that a feature may change
# by, how many may change, points for each squared standard deviation, and steps.
MAX_CHANGE, MOST, PENALTY, STEPS = 0.25, 3, 0.1, 30
