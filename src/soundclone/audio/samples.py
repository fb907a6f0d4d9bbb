"""The type of audio samples."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # mono, shape (n,), full scale is 1.0
