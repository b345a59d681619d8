def judged(x): return f"({x})"
