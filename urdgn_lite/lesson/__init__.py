"""What a notebook shows: figures, explorers, helpers."""
