"""Makes `worlds` (beside the tests of expressions) and `specs` importable for the tests here."""

import sys
from pathlib import Path

for folder in (Path(__file__).parent, Path(__file__).parent.parent / "expressions"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
