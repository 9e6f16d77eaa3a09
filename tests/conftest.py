"""One thread for each of the processes that the tests run in."""

import os

# Before NumPy and PyTorch are imported. Threads of several processes wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
