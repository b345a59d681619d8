"""How often landmarks can be found on 16 × 16 faces: dlib on HR faces, and on bicubic ones.

    python tools/runs/detector.py --faces celeba128

Method [10] needs landmarks, and Yu and Porikli doubt that they can be found at this size. The
counts go to results/detector.json. Needs `pip install 'urdgn_lite[identity]'`.
"""

import argparse

import numpy as np
from claims_faces import larger

from urdgn_lite import faces, store
from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.measure import evaluate
from urdgn_lite.measure.identity import dlib_weights
from urdgn_lite.progress import bar
from urdgn_lite.provenance import circumstances

VIEWS = {"as_it_is": (0, 1), "padded_and_doubled": (32, 2)}  # px of repeated border, enlargement
TOLERABLE = 0.1  # mean landmark error, in distances between the eyes, beyond which they failed


def landmarks(images, margin, scale, detect, predict):
    """The 68 points of each face in px of its picture; None where not exactly one was found."""
    for image in bar(images, "dlib", leave=False):
        pixels = larger(image, margin, scale)
        boxes = detect(pixels)
        if len(boxes) == 1:
            points = predict(pixels, boxes[0]).parts()
            yield np.array([(p.x, p.y) for p in points]) / scale - margin
        else:
            yield None


def count(hr, bicubic):
    """On how many faces landmarks were found, and how far those of bicubic faces are off."""
    both = [(a, b) for a, b in zip(hr, bicubic, strict=True) if a is not None and b is not None]
    apart = [np.hypot(*(a[36:42].mean(0) - a[42:48].mean(0))) for a, _ in both]  # the two eyes
    errors = [np.hypot(*(b - a).T).mean() / e for (a, b), e in zip(both, apart, strict=True)]
    return {
        "found_hr": sum(p is not None for p in hr),
        "found_bicubic": sum(p is not None for p in bicubic),
        "found_both": len(both),
        "of_these_far_off": sum(bool(e > TOLERABLE) for e in errors),
        "median_error": round(float(np.median(errors)), 4) if errors else None,
    }


def main():
    """Count, and write to the ledger."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faces", default="celeba128")
    parser.add_argument("--limit", type=int)
    given = parser.parse_args()
    weights = dlib_weights("shape_predictor_68_face_landmarks.dat")
    import dlib

    tools = dlib.get_frontal_face_detector(), dlib.shape_predictor(weights)
    test = faces.load(given.faces, "test", limit=given.limit)
    bicubic = to_uint8(upsample_bicubic(downsample(to_float(test.images))))
    result = {"faces": test.source, "split": test.split, "n": len(test), "far_off": TOLERABLE}
    for name, view in VIEWS.items():
        found = ([*landmarks(images, *view, *tools)] for images in (test.images, bicubic))
        result[name] = count(*found)
    store.write_json(evaluate.ledger() / "detector.json", result | circumstances())


if __name__ == "__main__":
    main()
