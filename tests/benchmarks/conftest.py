import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # where the benchmarks' own helper `timing` lies
