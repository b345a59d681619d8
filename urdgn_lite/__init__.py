"""Learn a deep-learning paper by running it: Ultra-Resolving Face Images (Yu & Porikli, 2016)."""

__version__ = "0.1.0"
