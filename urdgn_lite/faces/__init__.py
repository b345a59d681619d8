"""Where faces come from: every source ends as `uint8 (N, 3, 128, 128)`.

>>> from urdgn_lite import faces
>>> faces.load("imaginary", "test", limit=4).images.shape
torch.Size([4, 3, 128, 128])
"""

from urdgn_lite.degrade import SIZE, to_float, to_uint8
from urdgn_lite.faces.load import SPLITS, Faces, identity_of, load, split_of
from urdgn_lite.faces.picture import EYES, SMALLEST, FacesError, align, decode_image, to_rgb
from urdgn_lite.faces.shards import Shards, stream, write_shards
